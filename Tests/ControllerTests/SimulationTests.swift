// The real controller over the in-memory store, on a clock of the test's own: what holds for the whole.

import Controller
import Model
import Store
import Testing

@Suite struct SimulationTests {
    private static let servers = ["server1", "server2", "server3"]
    private static let webapp = ResourceKey(.app, "webapp")
    private static let conf = FieldKey(.file, "/etc/webapp.conf")

    private func ready(_ world: World) async throws {
        try await world.addServers(Self.servers)
        try await world.apply(World.app("webapp"))
        #expect(try await world.eventually(servers: Self.servers) { try await world.isReady(Self.webapp) })
    }

    @Test func `an App is brought to Ready on all servers that its selector names`() async throws {
        let world = World()
        let replica = world.replica("a")
        try await ready(world)
        for server in Self.servers {
            #expect(try await world.phase(InstanceID(app: "webapp", server: server)) == .ready)
        }
        #expect(try await world.store.status(Self.webapp)?.counts == [.ready: 3])
        await replica.end()
    }

    @Test func `what is changed on a server is repaired, with one job`() async throws {
        let world = World()
        let replica = world.replica("a")
        try await ready(world)
        let before = await world.agents.completed.count
        let id = InstanceID(app: "webapp", server: "server2")
        let good = await world.agents.value(id, Self.conf)
        await world.agents.tamper(id, Self.conf, "sha256:" + String(repeating: "0", count: 64) + " 0644 root:root")
        #expect(
            try await world.eventually(servers: Self.servers) {
                let repaired = await world.agents.value(id, Self.conf) == good
                return try await world.phase(id) == .ready && repaired
            })
        #expect(await world.agents.completed.count == before + 1)
        #expect(try await world.events("DriftDetected").count == 1)
        #expect(
            try await world.eventually(servers: Self.servers) { try await world.events("DriftRepaired").count == 1 })
        await replica.end()
    }

    @Test func `a new generation is rolled out within the budget`() async throws {
        let world = World()
        let replica = world.replica("a")
        let servers = (1...8).map { "server\($0)" }
        try await world.addServers(servers)
        try await world.apply(World.app("webapp", extra: ", \"update\": { \"maxUnavailable\": 2 }"))
        #expect(try await world.eventually(servers: servers) { try await world.isReady(Self.webapp) })
        let fresh = World.app("webapp", port: 9090, extra: ", \"update\": { \"maxUnavailable\": 2 }")
        try await world.apply(fresh)
        let budget = BudgetWatch(world: world, app: "webapp", servers: servers)
        #expect(
            try await world.eventually(.seconds(120), servers: servers) {
                try await budget.look()
                return try await world.isReady(Self.webapp, generation: 2)
            })
        #expect(await budget.most <= 2)
        #expect(await budget.most > 0)
        await replica.end()
    }

    // F1: SIGSTOP the leader for twice the TTL, then SIGCONT with writes queued (kubernetes#44887).
    @Test func `a leader that was paused past its lease writes nothing any more`() async throws {
        let world = World()
        let first = world.replica("a")
        try await ready(world)
        #expect(first.isLeading(at: world.time.now()))
        first.store.pause()
        // A change for which the paused leader will still want to write.
        let second = world.replica("b")
        try await world.apply(World.app("webapp", port: 9090))
        #expect(
            try await world.eventually(servers: Self.servers) {
                second.isLeading(at: world.time.now())
            })
        #expect(
            try await world.eventually(servers: Self.servers) { try await world.isReady(Self.webapp, generation: 2) })
        let jobs = await world.agents.completed.count
        first.store.resume()
        await world.time.pass(.seconds(2))
        try await world.agents.round(Self.servers)
        await world.time.pass(.seconds(2))
        #expect(await world.agents.completed.count == jobs)
        #expect(second.isLeading(at: world.time.now()))
        #expect(!first.isLeading(at: world.time.now()))
        await first.end()
        await second.end()
    }

    @Test func `a write that was under way when its leader lost the lock is refused and counted`() async throws {
        let world = World()
        let first = world.replica("a")
        try await ready(world)
        let lease = try #require(first.replica.leadership.lease(at: world.time.now()))
        await first.kill()
        let second = world.replica("b")
        #expect(try await world.eventually(servers: Self.servers) { second.isLeading(at: world.time.now()) })
        let id = InstanceID(app: "webapp", server: "server1")
        let revision = try await world.store.instance(id).observed?.revision ?? 0
        await #expect(throws: StoreError.self) {
            try await world.store.commit(
                InstanceCommit(
                    id: id, expectedRevision: revision, expectedOpenJob: nil, phase: .unknown, metDigest: ""),
                lease: lease)
        }
        #expect(try await world.store.refusedWrites() == 1)
        await second.end()
    }

    // F2: kill -9 the leader (redisson#907).
    @Test func `a killed leader is followed by one that knows what was decided, and no job is done twice`() async throws
    {
        let world = World()
        try await world.addServers(Self.servers)
        var epochs: [Int64] = []
        var leader = world.replica("r0")
        var standby = world.replica("r1")
        try await world.apply(World.app("webapp"))
        #expect(try await world.eventually(servers: Self.servers) { try await world.isReady(Self.webapp) })
        for round in 1...6 {
            if !leader.isLeading(at: world.time.now()) { swap(&leader, &standby) }
            epochs.append(try #require(leader.replica.leadership.lease(at: world.time.now())).epoch)
            await leader.kill()
            try await world.apply(World.app("webapp", port: 9000 + round))
            // That there is a next one is the rule here; how fast it comes, the benchmark of kills measures.
            #expect(await world.time.pass(.seconds(60)) { standby.isLeading(at: world.time.now()) })
            leader = standby
            standby = world.replica("r\(round + 1)")
            #expect(
                try await world.eventually(servers: Self.servers) {
                    try await world.isReady(Self.webapp, generation: round + 1)
                })
        }
        #expect(epochs == epochs.sorted() && Set(epochs).count == epochs.count)
        let ids = await world.agents.completed.map(\.id)
        #expect(Set(ids).count == ids.count)
        await leader.end()
        await standby.end()
    }

    // F3: drop only the leader's session connection (kubernetes#23731).
    @Test func `a dropped session connection does not make leadership flap`() async throws {
        let world = World()
        let first = world.replica("a")
        let second = world.replica("b")
        try await ready(world)
        var epochs: Set<Int64> = []
        for _ in 0..<50 {
            let leader = first.isLeading(at: world.time.now()) ? first : second
            await leader.store.cutPresence()
            await world.time.pass(.milliseconds(100))
            if let view = try await world.store.leader() { epochs.insert(view.lease.epoch) }
        }
        #expect(epochs.count <= 6, "at most one change of leader in a second")
        #expect(
            try await world.eventually(servers: Self.servers) {
                first.isLeading(at: world.time.now()) != second.isLeading(at: world.time.now())
            })
        await first.end()
        await second.end()
    }

    // F22: FLUSHALL (argo-cd#9227, #18780).
    @Test func `an emptied store removes nothing`() async throws {
        let world = World()
        let replica = world.replica("a")
        try await ready(world)
        let there = await world.agents.instances
        await world.store.loseEverything()
        for _ in 0..<200 {
            try await world.agents.round(Self.servers)
            await world.time.pass(.milliseconds(50))
        }
        #expect(await world.agents.instances == there)
        #expect(await world.agents.completed.allSatisfy { !$0.plan.isRemoval })
        // What is declared again is adopted without a step.
        let jobs = await world.agents.completed.count
        try await world.addServers(Self.servers)
        try await world.apply(World.app("webapp"))
        #expect(try await world.eventually(servers: Self.servers) { try await world.isReady(Self.webapp) })
        #expect(await world.agents.completed.count == jobs)
        await replica.end()
    }

    @Test func `an App that a person deletes is removed, and its instances are forgotten`() async throws {
        let world = World()
        let replica = world.replica("a")
        try await ready(world)
        _ = try await world.store.delete(Self.webapp, by: "ops", expectedGeneration: nil)
        #expect(try await world.eventually(servers: Self.servers) { await world.agents.instances.isEmpty })
        #expect(
            try await world.eventually(servers: Self.servers) {
                try await world.store.instanceIDs(shard: StoreLayout.shard(of: "server1")).isEmpty
            })
        #expect(try await world.events("InstanceRemoved").count == 3)
        await replica.end()
    }

    @Test func `more instances than the limit leave only when a person has confirmed`() async throws {
        let world = World()
        let replica = world.replica("a")
        let servers = (1...6).map { "server\($0)" }
        try await world.addServers(servers)
        try await world.apply(World.app("webapp"))
        #expect(try await world.eventually(servers: servers) { try await world.isReady(Self.webapp) })
        try await world.apply(World.app("webapp", placement: "{ \"servers\": [\"server1\", \"server2\"] }"))
        #expect(try await world.eventually(servers: servers) { try await world.events("RemovalHeld").count == 1 })
        for _ in 0..<100 {
            try await world.agents.round(servers)
            await world.time.pass(.milliseconds(50))
        }
        #expect(await world.agents.instances.count == 6)
        try await world.store.confirmRemoval(of: Self.webapp, generation: 2)
        #expect(try await world.eventually(servers: servers) { await world.agents.instances.count == 2 })
        await replica.end()
    }

    @Test func `an App waits with a new generation until what it depends on is Ready`() async throws {
        let world = World()
        let replica = world.replica("a")
        try await world.addServers(Self.servers)
        try await world.apply(
            World.app("webapp", extra: ", \"dependsOn\": { \"database\": \"Ready\" }"),
            World.app("database", placement: "{ \"servers\": [\"server1\"] }"))
        await world.agents.silence("server1")
        _ = try await world.eventually(.seconds(5), servers: Self.servers) { false }
        #expect(await world.agents.completed.isEmpty)
        #expect(try await world.phase(InstanceID(app: "webapp", server: "server2")) == .waiting)
        await world.agents.wake("server1")
        #expect(try await world.eventually(servers: Self.servers) { try await world.isReady(Self.webapp) })
        let order = await world.agents.completed.map { $0.plan.instance.app }
        #expect(order.first == "database")
        await replica.end()
    }

    @Test func `a hand edit is taken as a new generation, or set back with the reason`() async throws {
        let world = World()
        let replica = world.replica("a")
        try await ready(world)
        await world.store.editConfig(of: Self.webapp, "port", to: "9999")
        #expect(
            try await world.eventually(servers: Self.servers) { try await world.isReady(Self.webapp, generation: 2) })
        #expect(try await world.events("EditApplied").count == 1)
        await world.store.editConfig(of: Self.webapp, "port", to: nil)
        #expect(try await world.eventually(servers: Self.servers) { try await world.events("EditRefused").count == 1 })
        #expect(try await world.store.resource(Self.webapp)?.config == ["port": "9999"])
        await replica.end()
    }

    @Test func `the instances of a silent server are unknown and get no jobs`() async throws {
        let world = World()
        let replica = world.replica("a")
        try await ready(world)
        await world.agents.silence("server3")
        let id = InstanceID(app: "webapp", server: "server3")
        #expect(try await world.eventually(servers: Self.servers) { try await world.phase(id) == .unknown })
        #expect(
            try await world.eventually(servers: Self.servers) {
                try await world.store.status(Self.webapp)?.condition(.stale)?.status == true
            })
        await world.agents.wake("server3")
        #expect(try await world.eventually(servers: Self.servers) { try await world.isReady(Self.webapp) })
        await replica.end()
    }

    @Test func `the budget holds across the deaths of leaders`() async throws {
        let world = World()
        let servers = (1...8).map { "server\($0)" }
        let budget = ", \"update\": { \"maxUnavailable\": 2 }"
        var leader = world.replica("r0")
        var standby = world.replica("r1")
        try await world.addServers(servers)
        try await world.apply(World.app("webapp", extra: budget))
        #expect(try await world.eventually(servers: servers) { try await world.isReady(Self.webapp) })
        try await world.apply(World.app("webapp", port: 9090, extra: budget))
        let watch = BudgetWatch(world: world, app: "webapp", servers: servers)
        for round in 0..<6 {
            _ = try await world.eventually(.milliseconds(400), servers: servers) {
                try await watch.look()
                return false
            }
            if !leader.isLeading(at: world.time.now()) { swap(&leader, &standby) }
            await leader.kill()
            leader = standby
            standby = world.replica("r\(round + 2)")
        }
        #expect(
            try await world.eventually(.seconds(120), servers: servers) {
                try await watch.look()
                return try await world.isReady(Self.webapp, generation: 2)
            })
        #expect(await watch.most <= 2)
        await leader.end()
        await standby.end()
    }

    // F20: the stream's trim passes a slow reader's cursor (etcd#17529, #15271).
    @Test func `a gap in the feed is answered with a full list, and nothing later is missed`() async throws {
        let world = World()
        let replica = world.replica("a")
        try await ready(world)
        replica.store.pause()
        let id = InstanceID(app: "webapp", server: "server1")
        let observed = try #require(try await world.store.instance(id).observed)
        for number in 0...StoreBounds.feedEntries {
            _ = try await world.store.report(
                InstanceReport(
                    id: id, generation: observed.generation, digest: observed.digest, fields: [:], full: false,
                    fieldsDigest: "\(number)"))
        }
        let other = InstanceID(app: "webapp", server: "server3")
        await world.agents.tamper(other, Self.conf, FieldValue.absent)
        try await world.agents.round(Self.servers)
        replica.store.resetCalls()
        replica.store.resume()
        #expect(
            try await world.eventually(servers: Self.servers) {
                let value = await world.agents.value(other, Self.conf)
                return value?.hasPrefix("sha256:") == true
            })
        #expect(replica.store.calls("instanceIDs") >= StoreLayout.shards)
        await replica.end()
    }

    @Test func `an App follows the labels of servers`() async throws {
        let world = World()
        let replica = world.replica("a")
        try await ready(world)
        let servers = Self.servers + ["server4"]
        try await world.apply(World.server("server4"), World.server("server1", labels: ["role": "database"]))
        #expect(
            try await world.eventually(servers: servers) {
                await Set(world.agents.instances.map(\.server)) == ["server2", "server3", "server4"]
            })
        #expect(try await world.eventually(servers: servers) { try await world.isReady(Self.webapp) })
        await replica.end()
    }

    @Test(arguments: [11, 12, 13, 14]) func `lost calls, crashes and pauses change nothing in the end`(
        seed: UInt64
    ) async throws {
        var numbers = SeededNumbers(seed: seed)
        let world = World()
        try await world.addServers(Self.servers)
        var replicas = [world.replica("r0"), world.replica("r1")]
        var generation = 0
        for round in 0..<12 {
            for replica in replicas {
                replica.store.dropCalls(
                    before: Int.random(in: 0...60, using: &numbers), after: Int.random(in: 0...60, using: &numbers),
                    seed: numbers.next())
            }
            try await world.apply(World.app("webapp", port: 8000 + round))
            generation += 1
            let victim = Int.random(in: 0..<replicas.count, using: &numbers)
            switch Int.random(in: 0..<4, using: &numbers) {
            case 0:
                await replicas[victim].kill()
                replicas[victim] = world.replica("r\(round + 2)")
            case 1:
                replicas[victim].store.pause()
                await world.time.pass(.milliseconds(Int.random(in: 100...5000, using: &numbers)))
                replicas[victim].store.resume()
            case 2: await replicas[victim].store.cutPresence()
            default: break
            }
            _ = try await world.eventually(.seconds(2), servers: Self.servers) { false }
        }
        for replica in replicas { replica.store.dropCalls(before: 0, after: 0, seed: 0) }
        #expect(
            try await world.eventually(.seconds(120), servers: Self.servers) {
                try await world.isReady(Self.webapp, generation: generation)
            }, "seed \(seed)")
        let ids = await world.agents.completed.map(\.id)
        #expect(Set(ids).count == ids.count, "seed \(seed): no job is done twice")
        #expect(await (world.agents.mostBusy["webapp"] ?? 0) <= 3, "seed \(seed)")
        for replica in replicas { await replica.end() }
    }
}

/// Counts how many instances that were once well are in the hands of a job at one time.
private actor BudgetWatch {
    private let world: World
    private let app: String
    private let servers: [String]
    private(set) var most = 0

    init(world: World, app: String, servers: [String]) {
        self.world = world
        self.app = app
        self.servers = servers
    }

    func look() async throws {
        var busy = 0
        for server in servers {
            let control = try await world.store.instance(InstanceID(app: app, server: server)).control
            if control?.openJob != nil { busy += 1 }
        }
        most = max(most, busy)
    }
}
