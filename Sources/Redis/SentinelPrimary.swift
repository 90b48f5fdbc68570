// The primary of a service that sentinels watch. They are asked whenever a connection has to be made, and what they say is
// checked with ROLE, because a sentinel that was cut off still names the old one.

struct SentinelPrimary: Topology {
    private let link: NodeLink
    private let discovery: Discovery

    init(sentinels: [RedisEndpoint], service: String, login: RedisLogin, on threads: RedisThreads) {
        let discovery = Discovery(sentinels: sentinels, service: service, login: login, threads: threads)
        self.discovery = discovery
        self.link = NodeLink { () async throws(RedisError) in try await discovery.connect() }
    }

    func connection(for key: String?) async throws(RedisError) -> RedisConnection { try await link.connection() }
    func current(for key: String?) -> RedisConnection? { link.current }
    func dedicated(for key: String?) async throws(RedisError) -> RedisConnection { try await discovery.connect() }
    func close() async { await link.close() }

    func remedy(for error: RedisError, from connection: RedisConnection, attempt: Int) async -> Remedy {
        switch error {
        case .closed(.notSent): return .retry
        case .reply("READONLY", _):
            link.discard(connection)
            await Attempts.pause(attempt)
            return .retry
        default: return .none
        }
    }
}

private struct Discovery: Sendable {
    /// How long one sentinel, or the server it names, may take to answer.
    private static let deadline: Duration = .seconds(1)

    let sentinels: [RedisEndpoint]
    let service: String
    let login: RedisLogin
    let threads: RedisThreads

    /// A connection to the primary that the first answering sentinel names and that says itself that it is one.
    func connect() async throws(RedisError) -> RedisConnection {
        var reasons: [String] = []
        for sentinel in sentinels {
            do throws(RedisError) {
                let endpoint = try await ask(sentinel)
                let connection = try await RedisConnection.connect(
                    to: endpoint, as: login, on: threads, deadline: Self.deadline)
                let role = try await connection.send(RedisCommand("ROLE"), deadline: Self.deadline).array?.first?.string
                if role == "master" { return connection }
                connection.closeSoon()
                reasons.append("\(sentinel) names \(endpoint), which is a \(role ?? "stranger")")
            } catch {
                if case .authentication = error { throw error }
                reasons.append("\(sentinel): \(error)")
            }
        }
        throw .noPrimary("service \(service): \(reasons.joined(separator: "; "))")
    }

    private func ask(_ sentinel: RedisEndpoint) async throws(RedisError) -> RedisEndpoint {
        let connection = try await RedisConnection.connect(
            to: sentinel, as: RedisLogin(), on: threads, deadline: Self.deadline)
        defer { connection.closeSoon() }
        let command = RedisCommand("SENTINEL", ["GET-MASTER-ADDR-BY-NAME", .string(service)])
        let reply = try await connection.send(command, deadline: Self.deadline)
        guard let parts = reply.array, parts.count == 2, let host = parts[0].string, let port = parts[1].int else {
            throw .noPrimary("it does not know the service \(service)")
        }
        return .tcp(host: host, port: port)
    }
}
