// Somebody's hand in Redis: what cannot be read is said of itself and hides nothing else.

import JSON
import Manifests
import Model
import Redis
import RedisStore
import Store
import Synchronization
import TestRedis
import TestSeeds
import Testing

@Suite(.privateRedis) struct DamageTests {
    private static let other = InstanceID(app: "other", server: "server1")

    private func withStore(_ body: (RedisStore, RedisClient, Lease) async throws -> Void) async throws {
        try await PrivateRedis.with(options: []) { server in
            try await withRedisStore(server) { store, client in try await body(store, client, try await store.lead()) }
        }
    }

    private func key(_ rest: String, _ name: String = "server1") -> String {
        let shard = StoreLayout.shard(of: name)
        return "t:{s\(shard < 10 ? "0" : "")\(shard)}:\(rest)"
    }

    private static let garbage = ["{not json", "{}", "[1]", "\u{1b}[31m", String(repeating: "x", count: 1 << 20)]

    @Test(arguments: garbage) func `a job that cannot be read is dead, and the others are done`(text: String)
        async throws
    {
        try await withStore { store, client, lease async throws in
            try await store.commit(commit(job: job("j1")), lease: lease)
            let queue = key("server:server1:queue:")
            _ = try await client.send(
                RedisCommand("HSET", key: key("server:server1:job:bad"), ["job", .string(text), "app", "x"]))
            _ = try await client.send(RedisCommand("SADD", key: queue + "open", ["bad"]))
            _ = try await client.send(RedisCommand("ZADD", key: queue + "ready", ["1", "bad"]))
            let reply = try await store.claim(
                server: "server1", token: "t", limit: 4, lease: .seconds(9), boot: false, agent: nil)
            #expect(reply.claims.map(\.job.id) == ["j1"])
            #expect(reply.unreadable.count == 1)
            #expect(reply.unreadable.first?.hasPrefix(key("server:server1:job:bad") + " cannot be read: ") == true)
            let state = try await client.send(RedisCommand("HGET", key: key("server:server1:job:bad"), ["state"]))
            #expect(state.string == "dead")
            #expect(try await store.jobs(server: "server1", limit: 10).map(\.job.id) == ["j1"])
        }
    }

    @Test(arguments: garbage) func `an assignment that cannot be read hides no other`(text: String) async throws {
        try await withStore { store, client, lease async throws in
            try await store.commit(commit(assignment: .set(assignment())), lease: lease)
            let name = key("server:server1:assignment:other")
            _ = try await client.send(RedisCommand("SADD", key: key("server:server1:instances"), ["other"]))
            _ = try await client.send(RedisCommand("SET", key: name, [.string(text)]))
            let list = try await store.assignments(server: "server1")
            #expect(list.assignments == [assignment()])
            #expect(list.unreadable.count == 1 && list.unreadable.first?.hasPrefix("\(name) cannot be read: ") == true)
        }
    }

    @Test(arguments: ["revision", "generation", "reportedAt"])
    func `an instance that cannot be read is named among those that can`(field: String) async throws {
        try await withStore { store, client, lease async throws in
            try await store.commit(commit(assignment: .set(assignment())), lease: lease)
            let name = key("server:server1:app:other")
            _ = try await client.send(RedisCommand("HSET", key: name, [.string(field), "many"]))
            let found = try await snapshots(of: store, [Self.other, webapp])
            #expect(found[webapp]?.control?.assignment != nil && found[webapp]?.problem == nil)
            #expect(
                found[Self.other]?.problem == .corrupt(key: name, "\(field): expected a number, found \"many\""))
            await #expect(throws: StoreError.self) { try await store.instance(Self.other) }
        }
    }

    @Test func `a key of another type than it should be hides nothing else`() async throws {
        try await withStore { store, client, lease async throws in
            try await store.commit(commit(assignment: .set(assignment())), lease: lease)
            _ = try await client.send(RedisCommand("SET", key: key("server:server1:instance:other"), ["x"]))
            let found = try await snapshots(of: store, [Self.other, webapp])
            #expect(found[webapp]?.problem == nil && found[Self.other]?.problem != nil)
            let good = ResourceKey(.app, "good")
            let bad = ResourceKey(.app, "bad")
            let worse = ResourceKey(.app, "worse")
            for name in [good, bad, worse] {
                _ = try await store.apply(
                    ResourceDraft(
                        key: name, digest: "d", manifest: "{}", config: [:], blobs: [:], appliedBy: "me",
                        expectedGeneration: nil))
            }
            _ = try await client.send(
                RedisCommand("HSET", key: key("desired:App:bad", "bad"), ["generation", "many"]))
            _ = try await client.send(RedisCommand("DEL", key: key("desired:App:worse", "worse")))
            _ = try await client.send(RedisCommand("SET", key: key("desired:App:worse", "worse"), ["x"]))
            let resources = try await store.resources(.app)
            #expect(resources.map(\.key) == [bad, good, worse])
            #expect(resources.map { $0.problem == nil } == [false, true, false])
        }
    }

    @Test func `an entry of the feed that is no change is a gap, and the reader is past it`() async throws {
        try await withStore { store, client, lease async throws in
            let start = try await store.feedEnd()
            _ = try await client.send(RedisCommand("XADD", key: key("changes"), ["*", "a", "b"]))
            guard case .gap(let next, _) = try await store.changes(after: start, shards: nil, limit: 10) else {
                Issue.record("no gap")
                return
            }
            try await store.commit(commit(assignment: .set(assignment())), lease: lease)
            guard case .changes(let changes, _) = try await store.changes(after: next, shards: nil, limit: 10) else {
                Issue.record("a second gap")
                return
            }
            #expect(changes.contains { $0.subject == .instance(webapp) })
        }
    }

    @Test func `a damaged lease is taken, and a damaged revision is written over`() async throws {
        try await withStore { store, client, _ async throws in
            _ = try await client.send(RedisCommand("HSET", key: "t:{ctl}:lease", ["epoch", "abc", "expiresAt", "zz"]))
            guard
                case .acquired = try await store.acquireLease(
                    holder: "other", nonce: "n2", ttl: .seconds(3), mayPreempt: false)
            else {
                Issue.record("the lease was not taken")
                return
            }
            let lease = try await store.lead("n3")
            try await store.commit(commit(assignment: .set(assignment())), lease: lease)
            let name = key("server:server1:app:webapp")
            _ = try await client.send(RedisCommand("HSET", key: name, ["revision", "many"]))
            let revision = try await store.report(report([page: "x"]))
            #expect(revision > 0)
            #expect(try await store.instance(webapp).observed?.revision == revision)
        }
    }

    private func snapshots(of store: RedisStore, _ ids: [InstanceID]) async throws -> [InstanceID: InstanceSnapshot] {
        let collected = Collected()
        try await store.instances(ids, assignments: .full) { collected.add($0) }
        return collected.byID
    }

    // MARK: decoders

    /// Damages a text in one of several ways; the same for the same seed.
    private static func damage(_ text: [UInt8], _ random: inout SeededGenerator) -> [UInt8] {
        var bytes = text
        for _ in 0..<Int.random(in: 1...4, using: &random) where !bytes.isEmpty {
            let at = Int.random(in: 0..<bytes.count, using: &random)
            switch Int.random(in: 0..<5, using: &random) {
            case 0: bytes[at] = UInt8.random(in: 0...255, using: &random)
            case 1: bytes.removeSubrange(at...)
            case 2: bytes.insert(contentsOf: bytes[at...].prefix(20), at: at)
            case 3: bytes.replaceSubrange(at...at, with: Array("-9223372036854775809".utf8))
            default: bytes.remove(at: at)
            }
        }
        return bytes
    }

    @Test(arguments: UInt64(1)...8) func `damaged texts are refused or read, and never more`(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        let texts = [job("j1").wireText, assignment().wireText, drift().wireText].map { Array($0.utf8) }
        var refused = 0
        for _ in 0..<400 {
            let text = String(
                decoding: Self.damage(texts[Int.random(in: 0..<3, using: &random)], &random), as: UTF8.self)
            do throws(WireError) { _ = try Job(wireText: text) } catch { refused += error.description.isEmpty ? 0 : 1 }
            do throws(WireError) { _ = try Assignment(wireText: text) } catch { refused += 1 }
            do throws(WireError) { _ = try DriftRecord(wireText: text) } catch { refused += 1 }
        }
        #expect(refused >= 800, "seed \(seed)")
    }
}

private final class Collected: Sendable {
    private let found = Mutex<[InstanceID: InstanceSnapshot]>([:])
    func add(_ snapshot: InstanceSnapshot) { found.withLock { $0[snapshot.id] = snapshot } }
    var byID: [InstanceID: InstanceSnapshot] { found.withLock { $0 } }
}
