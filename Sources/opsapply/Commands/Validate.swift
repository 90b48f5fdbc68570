internal import ArgumentParser
internal import Manifests
internal import Output

/// `validate FILES`: reads and says everything that is wrong; needs no Redis.
struct Validate: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Check manifests, and say everything that is wrong with them at once.")

    @Argument(help: "Manifest files, folders, or - for standard input.", completion: .file())
    var files: [String]

    func run() async throws {
        let set = try Desired.given(try Desired.files(files), among: nil)
        Console.note("\(counted(set.resources.count, "resource")) in \(counted(files.count, "argument")): all valid")
    }
}
