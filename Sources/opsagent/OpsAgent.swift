// The program: parses its arguments, wires store and service, and stays until it is told to end.

internal import Agent
internal import ArgumentParser
internal import Glibc
internal import Logging
internal import Programs
internal import RedisStore
internal import ServiceLifecycle

@main
struct OpsAgent: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "opsagent", abstract: "Observes one server and does the jobs that are meant for it.",
        version: ProgramVersion.current)

    @OptionGroup var store: StoreOptions

    @Option(help: "The name of the Server that this agent stands for.")
    var server: String

    @Option(help: "The folder that all managed paths are in.")
    var root: String = "/"

    @Option(help: "Where the agent keeps what must outlive it (default: <root>/var/lib/redops).")
    var state: String?

    @Option(help: "How often the server itself is reported, in seconds.")
    var interval: Double = 5

    @Flag(help: "End the services with the agent; otherwise they go on, and the next agent adopts them.")
    var stopServicesOnExit = false

    func validate() throws {
        guard interval >= 0.1, interval <= 3600 else {
            throw ValidationError("--interval must be from 0.1 to 3600 seconds, found \(interval)")
        }
        guard root.hasPrefix("/"), state?.hasPrefix("/") ?? true else {
            throw ValidationError("--root and --state must be absolute paths")
        }
    }

    func run() async throws {
        StderrLogHandler.bootstrap(level: store.logLevel)
        let log = Logger(label: "opsagent")
        let configuration = AgentConfiguration(
            server: server, root: root, state: state, interval: .milliseconds(Int64(interval * 1000)),
            stopServicesOnExit: stopServicesOnExit, version: ProgramVersion.current)
        do {
            let redis = try RedisStore(url: store.redisURL, prefix: store.prefix)
            let agent = try AgentService(configuration, store: redis, log: log)
            let group = ServiceGroup(
                configuration: ServiceGroupConfiguration(
                    services: [.init(service: agent)], gracefulShutdownSignals: [.sigterm, .sigint], logger: log))
            try await group.run()
        } catch let error as StepError {
            log.critical("the agent cannot start", metadata: ["reason": "\(error.text)"])
            throw ExitCode(1)
        }
    }
}
