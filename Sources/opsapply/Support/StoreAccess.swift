// Opening the store for one command, and saying in one line why that failed.

internal import Output
internal import Programs
internal import Redis
internal import RedisStore
internal import Store

extension StoreOptions {
    /// Opens the store, runs the body, closes it again. What goes wrong with the store becomes a clear line.
    /// - Parameter patience: how long to try again while Redis cannot be used yet: it may be reading its file.
    func withStore<Result>(
        patience: Duration = .zero, _ body: (any OperationsStore) async throws -> Result
    ) async throws -> Result {
        let threads = RedisThreads()
        do {
            let store = try await connect(on: threads, until: .now + patience)
            let result: Swift.Result<Result, any Error>
            do { result = .success(try await body(store)) } catch { result = .failure(error) }
            await store.close()
            await threads.shutdown()
            return try result.get()
        } catch let error as StoreError {
            throw failure(error)
        }
    }

    private func connect(
        on threads: RedisThreads, until end: ContinuousClock.Instant
    ) async throws -> RedisStore {
        while true {
            do throws(StoreError) {
                return try await RedisStore.connect(url: redisURL, prefix: prefix, on: threads, clientName: "opsapply")
            } catch {
                guard case .unavailable = error, .now < end else { throw error }
                try await Task.sleep(for: .milliseconds(50))
            }
        }
    }

    /// What a person can do about it.
    func failure(_ error: StoreError) -> CommandFailure {
        switch error {
        case .unavailable(let why):
            Self.isConnection(why)
                ? CommandFailure(
                    "cannot reach Redis at \(redisAddress.printable): \(Self.cause(why).printable); is redis-server running? "
                        + "(set --redis or OPS_REDIS_URL)")
                : CommandFailure("Redis at \(redisAddress.printable) refused: \(why.printable)")
        case .indeterminate(let why):
            CommandFailure("Redis did not answer (\(why.printable)): it may or may not be done; it is safe to repeat")
        case .conflict(let found):
            CommandFailure("somebody changed it at the same moment (found \(found.printable)); run the command again")
        case .fenced(let epoch): CommandFailure("refused: a newer leader of epoch \(epoch) is there")
        case .notFound(let what): CommandFailure("\(what.printable) is not there")
        case .tooLarge(let why): CommandFailure(why.printable)
        case .corrupt(let key, let why):
            CommandFailure(
                "what Redis holds at \(key.printable) cannot be read: \(why.printable); look at it with redis-cli")
        }
    }

    private static let connecting = "cannot connect to Redis at "

    private static func isConnection(_ why: String) -> Bool { why.hasPrefix(connecting) }

    /// The address is in the line already: only what came after it.
    private static func cause(_ why: String) -> String {
        let rest = why.dropFirst(connecting.count).split(separator: " ", maxSplits: 1)
        return rest.count == 2 ? rest[1].lowercased() : why
    }
}
