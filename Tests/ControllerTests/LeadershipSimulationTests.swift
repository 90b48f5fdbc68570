// Leaders that are killed, paused, cut off: the real controller over the in-memory store, on a clock of the test's own.

import Controller
import Model
import Store
import TestSeeds
import Testing

@Suite struct LeadershipSimulationTests {
    private static let servers = ["server1", "server2", "server3"]
    private static let webapp = ResourceKey(.app, "webapp")

    private func ready(_ world: World) async throws {
        try await world.addServers(Self.servers)
        try await world.apply(World.app("webapp"))
        #expect(try await world.eventually(servers: Self.servers) { try await world.isReady(Self.webapp) })
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

    @Test(arguments: [11, 12, 13, 14]) func `lost calls, crashes and pauses change nothing in the end`(
        seed: UInt64
    ) async throws {
        var numbers = SeededGenerator(seed: seed)
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

    @Test func `a job of a leader that is gone is emitted anew by its successor at once`() async throws {
        let world = World()
        let first = world.replica("a")
        try await world.apply(World.server("server1"))
        try await world.apply(World.app("webapp"), World.app("other"))
        let other = ResourceKey(.app, "other")
        #expect(
            try await world.eventually(servers: Self.servers) {
                let isReady = try await world.isReady(Self.webapp)
                return try await world.isReady(other) && isReady
            })
        // The job waits on the queue while its leader dies, and its successor's first one goes ahead of it.
        try await world.apply(World.app("webapp", port: 9090))
        let id = InstanceID(app: "webapp", server: "server1")
        #expect(
            try await world.eventually(servers: ["server1"]) {
                try await world.store.instance(id).control?.openJob != nil
            })
        await first.kill()
        let second = world.replica("b")
        #expect(await world.time.pass(.seconds(60)) { second.isLeading(at: world.time.now()) })
        let epoch = try #require(second.replica.leadership.lease(at: world.time.now())).epoch
        await world.agents.see(epoch: epoch)
        #expect(
            try await world.eventually(.seconds(3), servers: ["server1"]) {
                try await world.isReady(Self.webapp, generation: 2)
            })
        #expect(try await world.store.jobs(server: "server1", limit: 100).allSatisfy { $0.state != .dead })
        await second.end()
    }
}
