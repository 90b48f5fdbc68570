// The JSON Schema is held to the reader by a validator that neither of us wrote: PyPI's jsonschema.

import Glibc
import JSON
import Manifests
import Testing

@Suite struct SchemaTests {
    /// Prints for each file given after the schema whether it is valid: `true`, `false`, or why it cannot be told.
    private static let script = """
        import json, sys
        from jsonschema import Draft202012Validator
        schema = json.load(open(sys.argv[1], encoding="utf-8"))
        Draft202012Validator.check_schema(schema)
        validator = Draft202012Validator(schema)
        for name in sys.argv[2:]:
            try:
                value = json.load(open(name, encoding="utf-8"))
            except ValueError:
                print("false")
                continue
            print("true" if validator.is_valid(value) else "false")
        """

    /// A python that has jsonschema: from `REDOPS_JSONSCHEMA_PYTHON`, else `python3`.
    private static let python = getenv("REDOPS_JSONSCHEMA_PYTHON").map { String(cString: $0) } ?? "python3"

    private static func verdicts(on names: [String]) throws -> [Bool] {
        let folder = try TemporaryFolder()
        let schema = try folder.write(ManifestReader.schema(), to: "schema.json")
        let program = try folder.write(script, to: "validate.py")
        let output = try Child.output([python, program, schema] + names.map { Fixtures.folder + $0 }, in: folder)
        return output.split(separator: "\n").map { $0 == "true" }
    }

    @Test func `the schema accepts every good manifest`() throws {
        let names = Fixtures.good()
        let verdicts = try Self.verdicts(on: names)
        #expect(verdicts.count == names.count)
        for (name, verdict) in zip(names, verdicts) { #expect(verdict, "\(name)") }
    }

    /// What only the reader can tell has `.semantic` in its name; that a schema accepts it shows that the mark is right.
    @Test func `the schema refuses every bad manifest that a schema can refuse`() throws {
        let names = Fixtures.bad()
        let verdicts = try Self.verdicts(on: names)
        #expect(verdicts.count == names.count)
        for (name, verdict) in zip(names, verdicts) { #expect(verdict == name.contains(".semantic."), "\(name)") }
    }

    @Test func `every field of the schema says what it is`() throws {
        let schema = try JSONValue.parse(ManifestReader.schema())
        let definitions = try #require(schema["$defs"]?.object)
        #expect(definitions.count > 15)
        for (name, definition) in definitions {
            for (field, property) in definition["properties"]?.object ?? [:] {
                #expect(property["description"]?.string?.hasSuffix(".") == true, "\(name).\(field)")
            }
        }
    }
}
