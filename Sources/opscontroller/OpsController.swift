// The controller as a program: arguments, signals, the connection; everything else is `ControllerService`.

import ArgumentParser
import Controller
import Glibc
import Logging
import Programs
import Redis
import RedisStore
import ServiceLifecycle
import UnixSignals

@main
struct OpsController: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "opscontroller",
        abstract: "Brings servers to their declared state. Run two or more: one leads, the others stand by.",
        version: ProgramVersion.current)

    @OptionGroup var storeOptions: StoreOptions
    @OptionGroup var logOptions: LogOptions

    @Option(help: "This replica's name in the lock and in events (default: host name and process id).")
    var name: String?

    @Option(help: "A further list of Redis into which anything may push jobs; may be given several times.")
    var inbox: [String] = []

    func validate() throws {
        // What is wrong with the address is said by its own option.
        guard let url = try? RedisURL(storeOptions.redisURL) else { return }
        if let problem = RedisStore.problem(ofInboxes: inbox, url: url, prefix: storeOptions.prefix) {
            throw ValidationError("--inbox: \(problem)")
        }
    }

    func run() async throws {
        StderrLogHandler.bootstrap(level: logOptions.logLevel)
        var logger = Logger(label: "opscontroller")
        let holder = name ?? Self.hostAndProcess
        logger[metadataKey: "holder"] = "\(holder)"
        var configuration = ControllerConfiguration(holder: holder)
        configuration.inboxes = inbox
        let program = ControllerProgram(
            url: storeOptions.redisURL, address: storeOptions.redisAddress, prefix: storeOptions.prefix,
            configuration: configuration, logger: logger)
        // Two signals mean the same here: hand over and end.
        let group = ServiceGroup(
            configuration: ServiceGroupConfiguration(
                services: [.init(service: program, successTerminationBehavior: .gracefullyShutdownGroup)],
                gracefulShutdownSignals: [.sigterm, .sigint], logger: Self.quiet))
        try await group.run()
    }

    /// The service group's own chatter is of no use to people.
    private static var quiet: Logger {
        var logger = Logger(label: "services")
        logger.logLevel = .error
        return logger
    }

    private static var hostAndProcess: String {
        var buffer = [CChar](repeating: 0, count: 256)
        let failed = gethostname(&buffer, buffer.count - 1) != 0
        let bytes = buffer.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }
        return "\(failed ? "host" : String(decoding: bytes, as: UTF8.self))-\(getpid())"
    }
}
