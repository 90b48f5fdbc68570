// The agent as a program: arguments, signals, the connection; everything else is `AgentService`.

import Agent
import ArgumentParser
import Logging
import Model
import Programs
import Redis
import ServiceLifecycle
import UnixSignals

@main
struct OpsAgent: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "opsagent", abstract: "Observes one server and does the jobs that are meant for it.",
        version: ProgramVersion.current)

    @OptionGroup var storeOptions: StoreOptions
    @OptionGroup var logOptions: LogOptions

    @Option(help: "The name of the Server that this agent stands for.")
    var server: String

    @Option(help: "The folder that all managed paths are in.")
    var root: String = "/"

    @Option(help: "Where the agent keeps what must outlive it (default: <root>/var/lib/redops).")
    var state: String?

    @Option(help: "Seconds between reports of the server, where no Server is declared.")
    var interval: Double = 5

    @Option(help: "How many jobs of `opsapply run`, schedules and scripts are done at the same time.")
    var runs: Int = RunExecutor.mostRuns

    @Flag(help: "End the services with the agent; otherwise they go on, and the next agent adopts them.")
    var stopServicesOnExit = false

    func validate() throws {
        guard interval >= 0.1, interval <= 3600 else {
            throw ValidationError("--interval must be from 0.1 to 3600 seconds, found \(interval)")
        }
        guard RunExecutor.mostRunsRange.contains(runs) else {
            throw ValidationError(
                "--runs must be from \(RunExecutor.mostRunsRange.lowerBound) to "
                    + "\(RunExecutor.mostRunsRange.upperBound), found \(runs)")
        }
        for (name, path) in [("--root", root), ("--state", state ?? "/")] where !path.hasPrefix("/") {
            throw ValidationError("\(name) must be an absolute path, found \(path)")
        }
        guard ResourceName.isValid(server) else {
            throw ValidationError(
                "--server must name a Server (lower-case letters, digits, - and ., at most "
                    + "\(ResourceName.maximumLength) of them), found \(server.debugDescription)")
        }
    }

    func run() async throws {
        StderrLogHandler.bootstrap(level: logOptions.logLevel)
        var log = Logger(label: "opsagent")
        log[metadataKey: "server"] = "\(server)"
        let configuration = AgentConfiguration(
            server: server, root: root, state: state, interval: .milliseconds(Int64(interval * 1000)),
            stopServicesOnExit: stopServicesOnExit, runs: runs, version: ProgramVersion.current)
        let store = LateStore(
            url: storeOptions.redisURL, prefix: storeOptions.prefix, clientName: "opsagent-\(server)")
        let agent: AgentService
        do throws(StepError) {
            agent = try AgentService(configuration, store: store, log: log)
        } catch {
            log.critical("the agent cannot start", metadata: ["reason": "\(error.text)"])
            throw ExitCode(1)
        }
        try await Self.run(AgentProgram(agent: agent, store: store))
    }

    private static func run(_ program: AgentProgram) async throws {
        // The service group's own chatter is of no use to people.
        var quiet = Logger(label: "services")
        quiet.logLevel = .error
        let group = ServiceGroup(
            configuration: ServiceGroupConfiguration(
                services: [.init(service: program, successTerminationBehavior: .gracefullyShutdownGroup)],
                gracefulShutdownSignals: [.sigterm, .sigint], logger: quiet))
        try await group.run()
    }
}

/// The agent and its connection, begun together and ended in reverse.
private struct AgentProgram: Service {
    let agent: AgentService
    let store: LateStore

    func run() async throws {
        let threads = RedisThreads()
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { await store.connect(on: threads) }
            try await agent.run()
            group.cancelAll()
        }
        await store.close()
        await threads.shutdown()
    }
}
