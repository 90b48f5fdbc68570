// Connects, however long that takes, runs one replica, and closes what was opened.

import Controller
import Logging
import Redis
import RedisStore
import ServiceLifecycle
import Store

struct ControllerProgram: Service {
    /// The longest wait between two tries to connect.
    private static let longestWait: Duration = .seconds(1)
    private static let firstWait: Duration = .milliseconds(50)

    let url: String
    /// The same for people, without its password.
    let address: String
    let prefix: String
    let configuration: ControllerConfiguration
    let logger: Logger

    func run() async throws {
        let threads = RedisThreads()
        if let store = await cancelWhenGracefulShutdown({ await connect(threads) }) {
            logger.info("connected", metadata: ["redis": "\(address)"])
            try await ControllerService(store: store, configuration: configuration, logger: logger).run()
            await store.close()
        }
        await threads.shutdown()
    }

    /// nil when asked to stop before it succeeded.
    private func connect(_ threads: RedisThreads) async -> RedisStore? {
        var wait = Self.firstWait
        var told: String?
        while !Task.isCancelled {
            do {
                return try await RedisStore.connect(
                    url: url, prefix: prefix, on: threads, clientName: configuration.holder)
            } catch {
                let why = "\(error)"
                if why != told { logger.warning("the store cannot be used; trying on", metadata: ["why": "\(why)"]) }
                told = why
            }
            try? await Task.sleep(for: wait)
            wait = min(wait * 2, Self.longestWait)
        }
        return nil
    }
}
