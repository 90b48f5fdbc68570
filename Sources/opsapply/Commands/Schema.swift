internal import ArgumentParser
internal import Manifests
internal import Output

/// `schema`: JSON Schema for editors and pipelines.
struct SchemaCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "schema", abstract: "Print the JSON Schema (2020-12) of manifests.")

    func run() throws {
        let schema = ManifestReader.schema()
        Console.out(schema.hasSuffix("\n") ? schema : schema + "\n")
    }
}

/// `explain App.spec.health`: what a field means.
struct Explain: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Say what a field of a manifest means.", discussion: "For example: opsapply explain App.spec.health")

    @Argument(help: "A path such as App, App.spec.health or Server.spec.address.")
    var path: String

    func run() throws {
        do throws(ExplainError) {
            let text = try ManifestReader.explain(path)
            Console.out(text.hasSuffix("\n") ? text : text + "\n")
        } catch {
            throw CommandFailure(error.description.printable)
        }
    }
}
