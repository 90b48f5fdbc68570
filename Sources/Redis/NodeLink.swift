// The way to one server: its connection while there is one, and the making of the next. Whoever calls first makes it;
// all others who call meanwhile wait for the same attempt.
//
// Guarantees: the first call after a connection ended tries at once; after a failed attempt, calls fail with its error
// until a short, growing and bounded pause is over, so that a fleet does not storm a server that comes up.

internal import Synchronization

final class NodeLink: Sendable {
    /// The pause after the first failed attempt; it doubles with each further one.
    static let firstPause: Duration = .milliseconds(5)
    static let longestPause: Duration = .milliseconds(320)

    typealias Waiter = CheckedContinuation<Result<RedisConnection, RedisError>, Never>

    private enum State {
        case idle
        case connecting([Waiter])
        case open(RedisConnection)
        case failed(RedisError, until: ContinuousClock.Instant)
        case closed
    }

    private struct Guarded {
        var state = State.idle
        var failures = 0
    }

    private let guarded = Mutex(Guarded())
    private let connect: @Sendable () async -> Result<RedisConnection, RedisError>

    init(_ connect: @escaping @Sendable () async throws(RedisError) -> RedisConnection) {
        self.connect = {
            do throws(RedisError) { return .success(try await connect()) } catch { return .failure(error) }
        }
    }

    /// The open connection, if there is one now.
    var current: RedisConnection? {
        guarded.withLock { guarded in
            guard case .open(let connection) = guarded.state, connection.isOpen else { return nil }
            return connection
        }
    }

    /// Whether the last connection ended, and no other was tried since.
    var hasEnded: Bool {
        guarded.withLock { guarded in
            guard case .open(let connection) = guarded.state else { return false }
            return !connection.isOpen
        }
    }

    /// The open connection, or a new one.
    func connection() async throws(RedisError) -> RedisConnection {
        if let current { return current }
        let isMine = guarded.withLock { guarded in
            switch guarded.state {
            case .idle: break
            case .open(let connection) where !connection.isOpen: guarded.failures = 0
            case .failed(_, let until) where .now >= until: break
            default: return false
            }
            guarded.state = .connecting([])
            return true
        }
        guard isMine else { return try await wait().get() }
        let result = await connect()
        let connection = settle(result)
        return try connection.get()
    }

    /// Gives a connection up, so that the next call makes a new one.
    func discard(_ connection: RedisConnection) {
        connection.closeSoon()
        guarded.withLock { guarded in
            guard case .open(let current) = guarded.state, current === connection else { return }
            guarded.state = .idle
        }
    }

    /// Closes for good.
    func close() async {
        let connection = guarded.withLock { guarded -> RedisConnection? in
            defer { if case .connecting = guarded.state {} else { guarded.state = .closed } }
            if case .open(let connection) = guarded.state { return connection }
            return nil
        }
        await connection?.close()
    }

    private func wait() async -> Result<RedisConnection, RedisError> {
        await withCheckedContinuation { waiter in
            let answer: Result<RedisConnection, RedisError>? = guarded.withLock { guarded in
                switch guarded.state {
                case .connecting(let waiters):
                    guarded.state = .connecting(waiters + [waiter])
                    return nil
                case .open(let connection): return .success(connection)
                case .failed(let error, _): return .failure(error)
                case .idle, .closed: return .failure(.closed(.notSent))
                }
            }
            if let answer { waiter.resume(returning: answer) }
        }
    }

    private func settle(_ result: Result<RedisConnection, RedisError>) -> Result<RedisConnection, RedisError> {
        let waiters = guarded.withLock { guarded -> [Waiter] in
            guard case .connecting(let waiters) = guarded.state else {
                preconditionFailure("an attempt to connect is settled by the one that began it")
            }
            switch result {
            case .success(let connection):
                guarded.failures = 0
                guarded.state = .open(connection)
            case .failure(let error):
                let pause = min(Self.longestPause, Self.firstPause * (1 << min(guarded.failures, 10)))
                guarded.failures += 1
                guarded.state = .failed(error, until: .now + pause)
            }
            return waiters
        }
        for waiter in waiters { waiter.resume(returning: result) }
        return result
    }
}
