// What goes, who says so, and what nobody may take away: the real controller over the in-memory store.

import Controller
import Model
import Reconcilers
import Store
import Testing

@Suite struct RemovalSimulationTests {
    private static let servers = ["server1", "server2", "server3"]
    private static let webapp = ResourceKey(.app, "webapp")

    private func ready(_ world: World) async throws {
        try await world.addServers(Self.servers)
        try await world.apply(World.app("webapp"))
        #expect(try await world.eventually(servers: Self.servers) { try await world.isReady(Self.webapp) })
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

    @Test func `what a Server carries goes when its manifest carries nothing any more`() async throws {
        let world = World()
        let replica = world.replica("a")
        let plain = World.server("server1")
        try await world.apply(
            plain.replacing("\"spec\": {", with: "\"spec\": { \"files\": { \"/etc/motd\": { \"content\": \"hi\" } },"))
        let id = InstanceID(app: nil, server: "server1")
        #expect(try await world.eventually(servers: ["server1"]) { try await world.phase(id) == .ready })
        try await world.apply(plain)
        #expect(try await world.eventually(servers: ["server1"]) { await world.agents.instances.isEmpty })
        #expect(try await world.eventually(servers: ["server1"]) { try await world.phase(id) == nil })
        #expect(
            try await world.eventually(servers: ["server1"]) {
                try await world.isReady(ResourceKey(.server, "server1"), generation: 2)
            })
        await replica.end()
    }

    @Test func `a retry starts the next round at once, under an id of its own`() async throws {
        let world = World()
        let replica = world.replica("a")
        try await world.addServers(["server1"])
        await world.agents.refuse("full")
        try await world.apply(World.app("webapp"))
        let id = InstanceID(app: "webapp", server: "server1")
        #expect(try await world.eventually(servers: ["server1"]) { try await world.phase(id) == .failed })
        await world.agents.refuse(nil)
        let before = world.time.now()
        #expect(try await world.store.retry(id))
        #expect(try await world.eventually(servers: ["server1"]) { try await world.phase(id) == .ready })
        #expect(world.time.now() - before < RoundBackoff.first)
        await replica.end()
    }

    @Test func `a dead server that is deleted and declared anew is still silent`() async throws {
        let world = World()
        let replica = world.replica("a")
        try await ready(world)
        await world.agents.silence("server3")
        let id = InstanceID(app: "webapp", server: "server3")
        #expect(try await world.eventually(servers: Self.servers) { try await world.phase(id) == .unknown })
        _ = try await world.store.delete(ResourceKey(.server, "server3"), by: "ops", expectedGeneration: nil)
        _ = try await world.eventually(.seconds(2), servers: Self.servers) { false }
        try await world.apply(World.server("server3"))
        _ = try await world.eventually(.seconds(20), servers: Self.servers) { false }
        #expect(try await world.phase(id) == .unknown)
        await world.agents.wake("server3")
        #expect(try await world.eventually(servers: Self.servers) { try await world.phase(id) == .ready })
        await replica.end()
    }

    @Test func `what is left on a dead server whose Server was deleted is waited for by nobody`() async throws {
        let world = World()
        let replica = world.replica("a")
        try await ready(world)
        await world.agents.silence("server3")
        _ = try await world.eventually(.seconds(20), servers: Self.servers) { false }
        _ = try await world.store.delete(ResourceKey(.server, "server3"), by: "ops", expectedGeneration: nil)
        try await world.apply(World.app("webapp", port: 9090))
        #expect(
            try await world.eventually(servers: Self.servers) { try await world.isReady(Self.webapp, generation: 2) })
        #expect(try await world.store.status(Self.webapp)?.counts == [.ready: 2])
        // Its agent comes back after all: what it made goes.
        await world.agents.wake("server3")
        #expect(
            try await world.eventually(servers: Self.servers) {
                await Set(world.agents.instances.map(\.server)) == ["server1", "server2"]
            })
        await replica.end()
    }
}
