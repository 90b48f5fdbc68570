// One suite runs over both stores, and over Redis alone and as a cluster: this is what differs between them in a test.

import Model
import Redis
import RedisStore
import Store
import Synchronization
import TestRedis
import Testing

enum StoreKind: String, CaseIterable, CustomTestStringConvertible {
    case memory, redis, cluster
    var testDescription: String { rawValue }
}

/// A clock that moves only when it is told to.
final class ManualClock: Sendable {
    private let time = Mutex(Timestamp(milliseconds: 1_700_000_000_000))
    var now: Timestamp { time.withLock { $0 } }
    func advance(by duration: Duration) { time.withLock { $0 = $0 + duration } }
}

struct StoreBench: Sendable {
    let store: any OperationsStore
    /// Lets the store's clock move on.
    let pass: @Sendable (Duration) async throws -> Void
    /// Edits a `config:` entry by hand; nil removes it.
    let editConfig: @Sendable (ResourceKey, String, String?) async throws -> Void
    /// Lets it be long ago that the agent of a server was heard of.
    let hushAgent: @Sendable (String) async throws -> Void
    let loseEverything: @Sendable () async throws -> Void
    /// What RPUSH does; to the store's own inbox where no list is named.
    let push: @Sendable ([UInt8], String?) async throws -> Void
}

private let numbers = Atomic<Int>(0)

/// Runs a test over a store of its own.
func withStore(
    _ kind: StoreKind, on server: PrivateRedis? = PrivateRedis.current, _ body: (StoreBench) async throws -> Void
) async throws {
    switch kind {
    case .memory:
        let clock = ManualClock()
        let store = InMemoryStore { clock.now }
        try await body(
            StoreBench(
                store: store, pass: { clock.advance(by: $0) },
                editConfig: { await store.editConfig(of: $0, $1, to: $2) },
                hushAgent: { _ in clock.advance(by: AgentBounds.silence) },
                loseEverything: { await store.loseEverything() },
                push: { await store.push($0, to: $1 ?? "") }))
    case .redis:
        let server = try #require(server)
        try await withRedisBench(server.url, servers: [server], body)
    case .cluster:
        let cluster = try await PrivateCluster.shared
        try await withRedisBench(cluster.url, servers: cluster.nodes.map(\.server), body)
    }
}

private func withRedisBench(
    _ url: String, servers: [PrivateRedis], _ body: (StoreBench) async throws -> Void
) async throws {
    let prefix = "t\(numbers.add(1, ordering: .relaxed).newValue)"
    try await withRedisStore(url, prefix: prefix) { store, client in
        try await body(
            StoreBench(
                store: store,
                pass: { duration in
                    let end = try await store.now() + duration
                    #expect(try await eventually { try await store.now() >= end })
                },
                editConfig: { key, name, value in
                    let shard = StoreLayout.shard(of: key.name)
                    let tag = shard < 10 ? "s0\(shard)" : "s\(shard)"
                    let hash = "\(prefix):{\(tag)}:desired:\(key.kind.rawValue):\(key.name)"
                    let command =
                        if let value {
                            RedisCommand("HSET", key: hash, ["config:\(name)", .string(value)])
                        } else {
                            RedisCommand("HDEL", key: hash, ["config:\(name)"])
                        }
                    _ = try await client.send(command)
                },
                hushAgent: { server in
                    let heardAt = try await store.now() + (.zero - AgentBounds.silence)
                    let hash = agentKey(server, prefix: prefix)
                    let argument = RedisArgument.string(String(heardAt.milliseconds))
                    _ = try await client.send(RedisCommand("HSET", key: hash, ["heardAt", argument]))
                },
                loseEverything: {
                    // Other tests share the servers: only this test's keys go.
                    let script = "for _, key in ipairs(redis.call('KEYS', ARGV[1])) do redis.call('DEL', key) end"
                    for server in servers { _ = try await server.ask("EVAL", script, "0", "\(prefix):*") }
                },
                push: { item, list in
                    let key = list ?? "\(prefix):{ctl}:inbox"
                    _ = try await client.send(RedisCommand("RPUSH", key: key, [.bytes(item)]))
                }))
    }
}

/// The hash of the agent that stands for a server.
func agentKey(_ server: String, prefix: String = "t") -> String {
    let shard = StoreLayout.shard(of: server)
    return "\(prefix):{s\(shard < 10 ? "0" : "")\(shard)}:server:\(server):agent"
}

/// A `RedisStore` and a client of its own for looking behind it.
func withRedisStore(
    _ server: PrivateRedis, prefix: String = "t", _ body: (RedisStore, RedisClient) async throws -> Void
) async throws {
    try await withRedisStore(server.url, prefix: prefix, body)
}

func withRedisStore(
    _ url: String, prefix: String = "t", _ body: (RedisStore, RedisClient) async throws -> Void
) async throws {
    let threads = RedisThreads()
    let client = RedisClient(try RedisURL(url), on: threads)
    let store = try await RedisStore.connect(url: url, prefix: prefix, on: threads)
    do {
        try await body(store, client)
    } catch {
        await store.close()
        await client.close()
        await threads.shutdown()
        throw error
    }
    await store.close()
    await client.close()
    await threads.shutdown()
}

// MARK: samples

let webapp = InstanceID(app: "webapp", server: "server1")
let page = FieldKey(.file, "/srv/www/index.html")
let port = FieldKey(.config, "nginx_port")

extension LeaseStore {
    /// A leader that has sealed.
    func lead(_ nonce: String = "n1") async throws -> Lease {
        let attempt = try await acquireLease(holder: "a", nonce: nonce, ttl: .seconds(60), mayPreempt: true)
        guard case .acquired(let lease) = attempt else { throw NotLeading() }
        try await seal(lease)
        return lease
    }
}

struct NotLeading: Error {}

func draft(
    _ name: String = "webapp", digest: String = "d1", config: [String: String] = ["nginx_port": "8080"],
    blobs: [String: [UInt8]] = [:], manifest: String? = nil, expecting generation: Int? = nil
) -> ResourceDraft {
    ResourceDraft(
        key: ResourceKey(.app, name), digest: digest,
        manifest: manifest ?? #"{"digest":"\#(digest)","blobs":"\#(blobs.keys.sorted().joined(separator: " "))"}"#,
        config: config, blobs: blobs, appliedBy: "alice", expectedGeneration: generation)
}

func assignment(_ id: InstanceID = webapp, generation: Int = 1) -> Assignment {
    let render = FileRender(digest: "abc", size: 3, ownership: Ownership(mode: 0o644), content: nil)
    return Assignment(
        id: id, generation: generation, digest: "digest\(generation)",
        fields: [
            DesiredField(key: port, expectation: .exactly("8080"), spec: .config(value: "8080")),
            DesiredField(key: page, expectation: .startsWith("sha256:abc 0644 "), spec: .file(render)),
        ])
}

func job(
    _ id: String, on instance: InstanceID = webapp, generation: Int = 1, kind: JobKind = .apply, epoch: Int64 = .max
) -> Job {
    let render = FileRender(
        digest: "abc", size: 3, ownership: Ownership(mode: 0o644), content: Array("hi\n".utf8))
    let step = Step(field: page, action: .create, from: "absent", to: "sha256:abc 0644", spec: .file(render))
    return Job(
        id: id, kind: kind, epoch: epoch,
        plan: Plan(instance: instance, generation: generation, digest: "x", revision: 1, round: 0, steps: [step]))
}

func report(
    _ fields: [FieldKey: String?], of id: InstanceID = webapp, generation: Int = 1, full: Bool = false,
    fieldsDigest: String = "f1", gone: Bool = false
) -> InstanceReport {
    InstanceReport(
        id: id, generation: generation, digest: "digest\(generation)", fields: fields, full: full,
        fieldsDigest: fieldsDigest, gone: gone)
}

func commit(
    _ id: InstanceID = webapp, revision: Int = 0, openJob: String? = nil,
    assignment: InstanceCommit.AssignmentChange = .keep, phase: InstancePhase = .progressing, job: Job? = nil,
    cancelUnstarted: Bool = false, opened: [DriftRecord] = [], repaired: [DriftRecord] = [], events: [Event] = []
) -> InstanceCommit {
    InstanceCommit(
        id: id, expectedRevision: revision, expectedOpenJob: openJob, assignment: assignment, phase: phase,
        message: "because", job: job, cancelUnstarted: cancelUnstarted, driftOpened: opened, driftRepaired: repaired,
        metDigest: "met", events: events)
}

func event(_ message: String, at milliseconds: Int64 = 1, subject: String = "webapp@server1") -> Event {
    Event(
        at: Timestamp(milliseconds: milliseconds), severity: .normal, subject: subject, reason: "Tested",
        message: message)
}

func drift(_ field: FieldKey = page, observed: String = "absent", repairedAt: Int64? = nil) -> DriftRecord {
    DriftRecord(
        field: field, desired: "sha256:abc 0644", observed: observed, onset: Timestamp(milliseconds: 1000),
        cause: .changedOnServer, repairedAt: repairedAt.map { Timestamp(milliseconds: $0) })
}

/// Runs the body, which must throw this.
func expectError(
    _ expected: StoreError, sourceLocation: SourceLocation = #_sourceLocation, _ body: () async throws -> Void
) async {
    do {
        try await body()
        Issue.record("expected \(expected), and nothing was thrown", sourceLocation: sourceLocation)
    } catch {
        #expect(error as? StoreError == expected, sourceLocation: sourceLocation)
    }
}
