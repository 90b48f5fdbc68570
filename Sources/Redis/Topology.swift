// What hides behind an address: one server, a primary that sentinels know, or a cluster. A topology says which connection
// a key's commands take, and what to do about an error that only says "not here" or "not now".

/// What to do about an error.
enum Remedy: Sendable {
    /// It is the caller's.
    case none
    /// Ask the topology for a connection again.
    case retry
    /// Send it to this one, just this once, after ASKING.
    case ask(RedisConnection)
}

protocol Topology: Sendable {
    /// The connection that a key's commands take, made if need be. Without a key, any will do.
    func connection(for key: String?) async throws(RedisError) -> RedisConnection
    /// The open connection that a key's commands would take.
    func current(for key: String?) -> RedisConnection?
    /// A new connection to where a key lives.
    func dedicated(for key: String?) async throws(RedisError) -> RedisConnection
    /// Decides about an error that a connection gave; `attempt` counts from 0.
    func remedy(for error: RedisError, from connection: RedisConnection, attempt: Int) async -> Remedy
    /// Closes all connections.
    func close() async
}

enum Attempts {
    /// How often a command may be sent on, because it was not carried out where it was sent.
    static let maximum = 8
    private static let firstPause: Duration = .milliseconds(4)

    /// Waits before another attempt: 4, 8, … 256 ms.
    static func pause(_ attempt: Int) async { try? await Task.sleep(for: firstPause * (1 << min(attempt, 6))) }
}

/// One server.
struct SingleServer: Topology {
    private let link: NodeLink
    private let connect: @Sendable () async throws(RedisError) -> RedisConnection

    init(_ connect: @escaping @Sendable () async throws(RedisError) -> RedisConnection) {
        self.connect = connect
        self.link = NodeLink(connect)
    }

    func connection(for key: String?) async throws(RedisError) -> RedisConnection { try await link.connection() }
    func current(for key: String?) -> RedisConnection? { link.current }
    func dedicated(for key: String?) async throws(RedisError) -> RedisConnection { try await connect() }
    func close() async { await link.close() }

    func remedy(for error: RedisError, from connection: RedisConnection, attempt: Int) async -> Remedy {
        error == .closed(.notSent) ? .retry : .none
    }
}
