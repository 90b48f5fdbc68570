// The controller over a real Redis, in real time: what the in-memory store cannot show.

import Controller
import Logging
import Model
import Redis
import RedisStore
import Store
import TestRedis
import Testing

@Suite(.privateRedis(appendOnly: true)) struct RedisControllerTests {
    private static let servers = ["server1", "server2", "server3"]
    private static let webapp = ResourceKey(.app, "webapp")

    @Test func `an App is brought to Ready, and drift is repaired within a few reports`() async throws {
        try await Site.with("repair") { site in
            let replica = try await site.replica("a")
            try await site.becomeReady(Self.servers)
            let id = InstanceID(app: "webapp", server: "server2")
            let field = FieldKey(.file, "/etc/webapp.conf")
            let good = await site.agents.value(id, field)
            await site.agents.tamper(id, field, FieldValue.absent)
            #expect(try await site.eventually(Self.servers) { await site.agents.value(id, field) == good })
            await replica.end()
        }
    }

    // F1: writes of a leader that was paused past its lease (kubernetes#44887, redisson#3636).
    @Test func `a stale lease's commit is refused, and the refusal is counted`() async throws {
        try await Site.with("fence") { site in
            let first = try await site.replica("a")
            try await site.becomeReady(Self.servers)
            let lease = try #require(first.lease)
            await first.kill()
            let second = try await site.replica("b")
            #expect(await eventually { second.lease != nil })
            let id = InstanceID(app: "webapp", server: "server1")
            let revision = try await site.store.instance(id).observed?.revision ?? 0
            await #expect(throws: StoreError.self) {
                try await site.store.commit(
                    InstanceCommit(
                        id: id, expectedRevision: revision, expectedOpenJob: nil, phase: .unknown, metDigest: ""),
                    lease: lease)
            }
            #expect(try await site.store.refusedWrites() == 1)
            await second.end()
        }
    }

    @Test func `a condition sees what another collector wrote, and says so where it may not`() async throws {
        try await Site.with("collector") { site in
            let servers = ["server1", "server2", "server3"].map { name in
                """
                { "apiVersion": "ops/v1", "kind": "Server", "metadata": { "name": "\(name)", "labels": { "role": "web" } },
                  "spec": { "address": "127.0.0.1", "monitor": { "hash": "collected-\(name)" } } }
                """
            }
            func schedule(_ name: String, on: String) -> String {
                """
                { "apiVersion": "ops/v1", "kind": "Schedule", "metadata": { "name": "\(name)" },
                  "spec": { "when": { "metric": "disk", "above": 85 }, "run": { "steps": [{ "command": ["true"] }] },
                            "on": { "servers": [\(on)] } } }
                """
            }
            for manifest in servers { try await World.apply(manifest, to: site.store) }
            try await World.apply(schedule("full", on: #""server1", "server2", "server3""#), to: site.store)
            try await World.apply(schedule("odd", on: #""server3""#), to: site.store)
            try await site.send("HSET", "collected-server1", "disk", "91", "cpu", "x")
            try await site.send("HSET", "collected-server2", "disk", "20")
            try await site.send("SET", "collected-server3", "91")
            let replica = try await site.replica("a")
            let hasFired = try await TestRedis.eventually(within: .seconds(10)) {
                let runs = try await site.store.runs(on: .server("server1"), limit: 10)
                return runs.first?.job.origin == "Schedule/full"
            }
            #expect(hasFired)
            #expect(try await site.store.runs(on: .server("server2"), limit: 10).isEmpty)
            let isTold = try await TestRedis.eventually(within: .seconds(10)) {
                let events = try await site.store.events(limit: 100).filter { $0.reason == "ScheduleUnwatched" }
                return events.first?.message.contains("collected-server3") ?? false
            }
            #expect(isTold)
            let odd = try await site.store.measurements(
                "cpu", of: ["server1"], collectors: ["server1": "collected-server1"])
            #expect(odd == Measured(values: [nil]))
            await replica.end()
        }
    }

    // F2: kill -9 the leader; its change is taken up by the standby (redisson#907).
    @Test func `a killed leader's standby rolls out the next change, each job once`() async throws {
        try await Site.with("kill") { site in
            var leader = try await site.replica("r0")
            #expect(await eventually { leader.lease != nil })
            try await site.becomeReady(Self.servers)
            for round in 1...5 {
                let standby = try await site.replica("r\(round)")
                #expect(await eventually { standby.isStandby })
                await leader.kill()
                try await World.apply(World.app("webapp", port: 9000 + round), to: site.store)
                #expect(await eventually { standby.lease != nil })
                #expect(
                    try await site.eventually(Self.servers) {
                        try await site.isReady(Self.webapp, generation: round + 1)
                    })
                leader = standby
            }
            let ids = await site.agents.completed.map(\.id)
            #expect(Set(ids).count == ids.count)
            await leader.end()
        }
    }

    @Test func `leadership is handed over in one round trip`() async throws {
        try await Site.with("handover") { site in
            let first = try await site.replica("a")
            #expect(await eventually { first.lease != nil })
            let second = try await site.replica("b")
            #expect(await eventually { second.isStandby })
            first.replica.shutDown()
            #expect(await eventually(within: .seconds(1)) { second.lease != nil })
            await first.end()
            await second.end()
        }
    }

    // F22: FLUSHALL (argo-cd#9227). A server of its own: it empties everything.
    @Test func `FLUSHALL removes nothing, and what is declared again is adopted`() async throws {
        try await PrivateRedis.with { server in
            try await Site.with("flush", on: server) { site in
                let replica = try await site.replica("a")
                try await site.becomeReady(Self.servers)
                let there = await site.agents.instances
                try await site.flush()
                for _ in 0..<100 { _ = try await site.eventually(Self.servers, within: .milliseconds(20)) { false } }
                #expect(await site.agents.instances == there)
                #expect(await site.agents.completed.allSatisfy { !$0.plan.isRemoval })
                try await site.becomeReady(Self.servers)
                await replica.end()
            }
        }
    }

    @Test func `what is damaged in the store is named, and stops nothing else`() async throws {
        try await Site.with("damaged") { site in
            let shard = StoreLayout.shard(of: "webapp")
            let neighbour = try #require((0..<9999).map { "bad\($0)" }.first { StoreLayout.shard(of: $0) == shard })
            let base = "damaged:{s\(shard < 10 ? "0" : "")\(shard)}:"
            try await World.apply(World.app(neighbour), to: site.store)
            try await site.send("HSET", base + "desired:App:\(neighbour)", "generation", "many")
            try await site.send("HSET", base + "deleted:App", "gone", "yesterday")
            try await site.send("XADD", base + "changes", "*", "by", "hand")
            let first = try await site.replica("a")
            try await site.becomeReady(Self.servers)
            let bad = ResourceKey(.app, neighbour)
            #expect(
                try await site.eventually([]) { try await site.store.status(bad)?.condition(.ready)?.status == false })
            // While it leads: a status, a hand edit beside one that cannot be settled, and a feed entry.
            try await site.send("HSET", base + "status:App:webapp", "observedGeneration", "many")
            try await site.send("XADD", base + "changes", "*", "by", "hand")
            try await site.send("HSET", base + "desired:App:\(neighbour)", "config:port", "9191")
            try await site.send("HSET", base + "desired:App:webapp", "config:port", "9191")
            #expect(
                try await site.eventually(Self.servers) {
                    (try? await site.isReady(Self.webapp, generation: 2)) ?? false
                })
            await first.kill()
            // A control hash of another type, seen by a replica that starts now.
            let server = StoreLayout.shard(of: "server1")
            let control = "damaged:{s\(server < 10 ? "0" : "")\(server)}:server:server1:instance:webapp"
            try await site.send("DEL", control)
            try await site.send("SET", control, "text")
            let second = try await site.replica("b")
            #expect(await eventually { second.lease != nil })
            let id = InstanceID(app: "webapp", server: "server2")
            let field = FieldKey(.file, "/etc/webapp.conf")
            await site.agents.tamper(id, field, FieldValue.absent)
            #expect(
                try await site.eventually(["server2", "server3"]) {
                    await site.agents.value(id, field) != FieldValue.absent
                })
            await second.end()
        }
    }

    @Test func `Redis gone and back again: the same replica goes on`() async throws {
        try await PrivateRedis.with(appendOnly: true) { server in
            try await Site.with("outage", on: server) { site in
                let replica = try await site.replica("a")
                try await site.becomeReady(Self.servers)
                await server.kill9()
                #expect(await eventually { replica.lease == nil })
                try await server.restart()
                #expect(await eventually { replica.lease != nil })
                try await World.apply(World.app("webapp", port: 9090), to: site.store)
                #expect(try await site.eventually(Self.servers) { try await site.isReady(Self.webapp, generation: 2) })
                await replica.end()
            }
        }
    }
}

/// A store on the suite's Redis, under a prefix of its own, with agents and replicas.
private struct Site: Sendable {
    let store: RedisStore
    let agents: FakeAgents
    let server: PrivateRedis
    let prefix: String
    let threads: RedisThreads

    static func with(
        _ prefix: String, on server: PrivateRedis? = nil, _ body: (Site) async throws -> Void
    ) async throws {
        let server = try #require(server ?? PrivateRedis.current)
        let threads = RedisThreads()
        let store = try await RedisStore.connect(url: server.url, prefix: prefix, on: threads)
        try await body(
            Site(store: store, agents: FakeAgents(store: store), server: server, prefix: prefix, threads: threads))
        await store.close()
        await threads.shutdown()
    }

    func replica(_ name: String) async throws -> LiveReplica {
        let own = try await RedisStore.connect(url: server.url, prefix: prefix, on: threads)
        let faulty = FaultyStore(own)
        var configuration = ControllerConfiguration(holder: name)
        configuration.preemptAfterConnectionAge = .zero
        let logger = Logger(label: name) { _ in SwiftLogNoOpLogHandler() }
        let replica = Replica(store: faulty, configuration: configuration, time: SystemTime(), logger: logger)
        return LiveReplica(own: own, store: faulty, replica: replica, task: Task { await replica.run() })
    }

    func flush() async throws { try await send("FLUSHALL") }

    func send(_ name: String, _ arguments: String...) async throws {
        let client = RedisClient(try RedisURL(server.url), on: threads)
        _ = try await client.send(RedisCommand(name, arguments.map { .string($0) }))
        await client.close()
    }

    func becomeReady(_ servers: [String]) async throws {
        for name in servers { try await World.apply(World.server(name), to: store) }
        try await World.apply(World.app("webapp"), to: store)
        #expect(try await eventually(servers) { try await isReady(ResourceKey(.app, "webapp")) })
    }

    func isReady(_ key: ResourceKey, generation: Int? = nil) async throws -> Bool {
        guard let status = try await store.status(key) else { return false }
        return status.condition(.ready)?.status == true
            && (generation == nil || status.observedGeneration == generation)
    }

    func eventually(
        _ servers: [String], within limit: Duration = .seconds(10), _ condition: () async throws -> Bool
    ) async throws -> Bool {
        try await TestRedis.eventually(within: limit) {
            try await agents.round(servers)
            return try await condition()
        }
    }
}

private struct LiveReplica: Sendable {
    let own: RedisStore
    let store: FaultyStore
    let replica: Replica
    let task: Task<Void, Never>
    init(own: RedisStore, store: FaultyStore, replica: Replica, task: Task<Void, Never>) {
        self.own = own
        self.store = store
        self.replica = replica
        self.task = task
    }

    var lease: Lease? { replica.leadership.currentLease }
    /// It stands by, its fleet known and its line open.
    var isStandby: Bool { store.calls("acquireLease") > 0 && lease == nil }

    func kill() async {
        store.die()
        await store.cutPresence()
        task.cancel()
        await own.close()
    }

    func end() async {
        task.cancel()
        await task.value
        await own.close()
    }
}
