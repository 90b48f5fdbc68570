internal import ArgumentParser
internal import JSON
internal import Manifests
internal import Model
internal import Output

/// `validate FILES`: reads and says everything that is wrong; needs no Redis.
struct Validate: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Check manifests, and say everything that is wrong with them at once.")

    @Argument(help: "Manifest files, folders, or - for standard input.", completion: .file())
    var files: [String]

    @Option(name: .shortAndLong, help: "table or json: errors and warnings as one document.")
    var output: DocumentFormat = .table

    func run() async throws {
        if output == .json { return try document() }
        let set = try Desired.given(try Desired.files(files), among: nil)
        for resource in set.resources {
            guard let forecast = Self.forecast(of: resource) else { continue }
            Console.out(forecast.text(of: resource.key))
        }
        Console.note("\(counted(set.resources.count, "resource")) in \(counted(files.count, "argument")): all valid")
    }

    private func document() throws {
        do throws(ManifestErrors) {
            let set = try ManifestReading(ManifestFiles.read(files)).resources(among: .none)
            Console.out([
                "valid": true, "resources": .array(set.resources.map { .string($0.key.description) }), "errors": [],
                "warnings": .array(
                    set.warnings.map { Self.entry($0.file, $0.line, $0.column, $0.path, $0.message, hint: nil) }),
                "schedules": .array(
                    set.resources.compactMap { resource in
                        Self.forecast(of: resource).map { facts in
                            var document = facts.forecast
                            document["resource"] = .string(resource.key.description)
                            return document
                        }
                    }),
            ])
        } catch {
            let errors = error.errors.map {
                Self.entry($0.file, $0.line, $0.column, $0.path, $0.message, hint: $0.hint)
            }
            Console.out(["valid": false, "resources": [], "errors": .array(errors), "warnings": []])
            throw CommandFailure.silent(CommandFailure.error)
        }
    }

    private static func forecast(of resource: ManifestResource) -> ScheduleFacts? {
        resource.schedule.map { ScheduleFacts($0, state: nil, now: Desired.wallClock()) }
    }

    private static func entry(
        _ file: String, _ line: Int, _ column: Int, _ path: String, _ message: String, hint: String?
    ) -> JSONValue {
        [
            "file": .string(file), "line": .int(line), "column": .int(column), "path": .string(path),
            "message": .string(message), "hint": hint.map { .string($0) } ?? .null,
        ]
    }
}
