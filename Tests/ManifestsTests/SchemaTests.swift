// The JSON Schema is held to the reader by a validator that neither of us wrote: PyPI's jsonschema.

import Glibc
import JSON
import Manifests
import TestSeeds
import Testing

@Suite struct SchemaTests {
    /// Prints for each file given after the schema, or for each line of one, whether it is valid: `true` or `false`.
    private static let script = """
        import json, sys
        from jsonschema import Draft202012Validator
        schema = json.load(open(sys.argv[1], encoding="utf-8"))
        Draft202012Validator.check_schema(schema)
        validator = Draft202012Validator(schema)
        def verdict(text):
            try:
                return validator.is_valid(json.loads(text))
            except ValueError:
                return False
        if sys.argv[2] == "--lines":
            texts = open(sys.argv[3], "rb").read().splitlines()
        else:
            texts = [open(name, "rb").read() for name in sys.argv[2:]]
        for text in texts:
            print("true" if verdict(text) else "false")
        """

    /// A python that has jsonschema: from `REDOPS_JSONSCHEMA_PYTHON`, else `python3`.
    private static let python = getenv("REDOPS_JSONSCHEMA_PYTHON").map { String(cString: $0) } ?? "python3"

    private static func verdicts(on names: [String]) throws -> [Bool] {
        try verdicts(names.map { Fixtures.folder + $0 }, in: try TemporaryFolder())
    }

    private static func verdicts(onLines lines: [String]) throws -> [Bool] {
        let folder = try TemporaryFolder()
        let file = try folder.write(lines.joined(separator: "\n"), to: "lines")
        return try verdicts(["--lines", file], in: folder)
    }

    private static func verdicts(_ arguments: [String], in folder: TemporaryFolder) throws -> [Bool] {
        let schema = try folder.write(ManifestReader.schema(), to: "schema.json")
        let program = try folder.write(script, to: "validate.py")
        let output = try Child.output([python, program, schema] + arguments, in: folder)
        return output.split(separator: "\n").map { $0 == "true" }
    }

    @Test func `the schema accepts every good manifest`() throws {
        let names = Fixtures.good()
        let verdicts = try Self.verdicts(on: names)
        #expect(verdicts.count == names.count)
        for (name, verdict) in zip(names, verdicts) { #expect(verdict, "\(name)") }
    }

    /// What only the reader can tell has `.semantic` in its name; that a schema accepts it shows that the mark is
    /// right.
    @Test func `the schema refuses every bad manifest that a schema can refuse`() throws {
        let names = Fixtures.bad()
        let verdicts = try Self.verdicts(on: names)
        #expect(verdicts.count == names.count)
        for (name, verdict) in zip(names, verdicts) { #expect(verdict == name.contains(".semantic."), "\(name)") }
    }

    @Test func `the schema accepts whatever the reader accepts`() throws {
        let seed = UInt64.random(in: 0...UInt64.max)
        var mutation = ValueMutation(random: SeededGenerator(seed: seed))
        var accepted: [String] = []
        for name in Fixtures.good() {
            let source = try Fixtures.source(name)
            let value = try JSONValue.parse(source.text)
            for _ in 0..<150 {
                let text = mutation.mutated(value).canonical
                let mutant = ManifestSource(name: name, text: Array(text.utf8), load: source.load)
                if (try? ManifestReader.read([mutant])) != nil { accepted.append(text) }
            }
        }
        #expect(accepted.count > 100, "seed \(seed)")
        let verdicts = try Self.verdicts(onLines: accepted)
        #expect(verdicts.count == accepted.count)
        for (text, verdict) in zip(accepted, verdicts) { #expect(verdict, "seed \(seed): \(text)") }
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
