internal import ArgumentParser
internal import Logging
internal import Output
internal import Programs

/// `up [FILES]`: a whole fleet on this machine, for trying things out and for small installations.
struct Up: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Run Redis, controllers and agents on this machine until interrupted.",
        discussion: """
            Starts a private redis-server, controllers, and an agent for each Server with an address in 127.0.0.0/8, \
            applies the manifests, waits until all is Ready, and stays up until it is interrupted. The state folder is \
            kept: up again goes on from there.
            """)

    @Argument(help: "Manifest files or folders.", completion: .file())
    var files: [String] = []

    @Option(help: "The state folder.", completion: .directory)
    var state: String = UpPaths.defaultFolder

    @Option(help: "How many controllers.")
    var controllers = 3

    @Option(help: "What all keys begin with.")
    var prefix = "ops"

    @Option(help: "How long to wait for everything to be Ready.")
    var timeout = Span(.seconds(600))

    @Option(help: "What controllers and agents log: debug, info, notice, warning or error.")
    var logLevel: Logger.Level = .info

    @Flag(name: .customLong("wait"), inversion: .prefixedNo, help: "Show progress until all is Ready.")
    var waits = true

    @Flag(name: .customLong("restart"), inversion: .prefixedNo, help: "Start again what died.")
    var restarts = true

    func validate() throws {
        guard (1...16).contains(controllers) else {
            throw ValidationError("--controllers is 1 to 16, not \(controllers)")
        }
        if files.contains("-") { throw ValidationError("up reads files and folders, not standard input") }
    }

    func run() async throws {
        try await UpSession(self).run()
    }
}
