// A primary, its replica and a sentinel that watches them, of a test's own.
//
// Guarantees: `with` hands them over when the replica follows and the sentinel knows it, so that a failover can come.

public final class PrivateSentinel: Sendable {
    static let service = "main"

    /// As they were made: a failover changes their parts.
    public let primary: PrivateRedis
    public let replica: PrivateRedis
    public let sentinel: PrivateRedis

    /// `redis+sentinel://…/main`; the first of the sentinels that it names is not there.
    public var url: String { "redis+sentinel://127.0.0.1:1,127.0.0.1:\(sentinel.port)/\(Self.service)" }

    private init(primary: PrivateRedis, replica: PrivateRedis, sentinel: PrivateRedis) {
        self.primary = primary
        self.replica = replica
        self.sentinel = sentinel
    }

    /// Runs a body with such a service, which is gone afterwards, however the body ends.
    public static func with<Value>(_ body: (PrivateSentinel) async throws -> Value) async throws -> Value {
        let service = try await start()
        do {
            let value = try await body(service)
            await service.end()
            return value
        } catch {
            await service.end()
            throw error
        }
    }

    private static func start() async throws -> PrivateSentinel {
        let primary = try await PrivateRedis.start(
            port: try PrivateRedis.freePort(), appendOnly: true, options: ["--repl-diskless-sync-delay", "0"])
        let replica = try await PrivateRedis.start(
            port: try PrivateRedis.freePort(), appendOnly: true,
            options: ["--replicaof", "127.0.0.1", "\(primary.port)"])
        let sentinel = try await PrivateRedis.startSentinel(
            port: try PrivateRedis.freePort(), of: service, primaryPort: primary.port)
        let made = PrivateSentinel(primary: primary, replica: replica, sentinel: sentinel)
        let isReady = try await eventually(within: PrivateRedis.patience) {
            let known = try await sentinel.ask("SENTINEL", "REPLICAS", service)
            let isFollowing = try await replica.ask("INFO", "replication").contains("master_link_status:up")
            return isFollowing && known.contains(String(replica.port)) && known.contains("master-link-status\nok")
        }
        guard isReady else {
            await made.end()
            throw SpawnFailure(description: "the sentinel did not come to know the replica:\n\(sentinel.log)")
        }
        return made
    }

    /// Waits until the replica has all that the primary has acknowledged by now.
    public func replicate() async throws { try await replica.follow(primary) }

    /// Whether the replica comes to be the primary.
    public func isPromoted(within limit: Duration) async throws -> Bool {
        try await eventually(within: limit) {
            try await replica.ask("INFO", "replication").contains("role:master")
        }
    }

    /// Whether the sentinel comes to name it as such.
    public func isNamed(within limit: Duration) async throws -> Bool {
        try await eventually(within: limit) {
            try await sentinel.ask("SENTINEL", "GET-MASTER-ADDR-BY-NAME", Self.service).contains(String(replica.port))
        }
    }

    /// Whether the one that was the primary comes to follow its successor.
    public func isDemoted(within limit: Duration) async throws -> Bool {
        try await eventually(within: limit) {
            let info = try await primary.ask("INFO", "replication")
            return info.contains("role:slave") && info.contains("master_link_status:up")
        }
    }

    private func end() async {
        for server in [sentinel, primary, replica] { await server.kill9() }
    }
}
