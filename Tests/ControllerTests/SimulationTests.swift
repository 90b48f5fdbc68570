// The real controller over the in-memory store, on a clock of the test's own: what holds in ordinary life.

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

    @Test func `what the store will never take is said of its App, and ends when the App changes`() async throws {
        let world = World()
        let replica = world.replica("a")
        try await ready(world)
        replica.store.refuse("commit", with: .tooLarge("the job is too large"))
        try await world.apply(World.app("webapp", port: 9090))
        #expect(
            try await world.eventually(servers: Self.servers) {
                let status = try await world.store.status(Self.webapp)
                return status?.condition(.degraded)?.message.contains("too large") == true
            })
        replica.store.refuse("commit", with: nil)
        try await world.apply(World.app("webapp", port: 9091))
        #expect(
            try await world.eventually(servers: Self.servers) { try await world.isReady(Self.webapp, generation: 3) })
        await replica.end()
    }

    private static let schedule = """
        { "apiVersion": "ops/v1", "kind": "Schedule", "metadata": { "name": "webapp" },
          "spec": { "at": "@daily", "run": { "app": "webapp", "action": "restart" } } }
        """

    @Test func `a Schedule is nothing to the fleet, and whoever follows it is told`() async throws {
        let world = World()
        let replica = world.replica("a")
        try await ready(world)
        try await world.apply(Self.schedule)
        #expect(try await world.eventually(servers: []) { try await world.store.scheduleState("webapp") != nil })
        await world.store.editConfig(of: ResourceKey(.schedule, "webapp"), "port", to: "1")
        #expect(try await world.eventually(servers: Self.servers) { try await world.events("EditRefused").count == 1 })
        #expect(try await world.store.resource(ResourceKey(.schedule, "webapp"))?.config == [:])
        #expect(try await world.store.delete(ResourceKey(.schedule, "webapp"), by: "ann", expectedGeneration: nil))
        try await replica.replica.follower.catchUp()
        #expect(try await world.store.scheduleState("webapp") == nil)
        #expect(try await world.isReady(Self.webapp))
        #expect(try await world.store.status(ResourceKey(.schedule, "webapp")) == nil)
        let apps = await replica.replica.loop.withFleet { $0.apps.map(\.name) }
        #expect(apps == ["webapp"])
        await replica.end()
    }

    @Test func `an action that is added to an App is a new generation, and no drift`() async throws {
        let world = World()
        let replica = world.replica("a")
        try await ready(world)
        let id = InstanceID(app: "webapp", server: "server1")
        let digest = try await world.store.instance(id).control?.assignment?.digest
        let before = await world.agents.completed.count
        try await world.apply(
            World.app("webapp", extra: #", "actions": { "again": { "steps": [{ "restart": [] }] } }"#))
        #expect(
            try await world.eventually(servers: Self.servers) {
                try await world.isReady(Self.webapp, generation: 2)
            })
        #expect(digest != nil)
        #expect(try await world.store.instance(id).control?.assignment?.digest == digest)
        #expect(await world.agents.completed.count == before)
        #expect(try await world.events("DriftDetected").isEmpty)
        await replica.end()
    }

    @Test func `a Schedule that lies where an App should be is unreadable, and nothing else`() async throws {
        let world = World()
        let replica = world.replica("a")
        try await ready(world)
        let before = await world.agents.completed.count
        let draft = ResourceDraft(
            key: Self.webapp, digest: "d", manifest: Self.schedule, config: [:], blobs: [:], appliedBy: "ann",
            expectedGeneration: nil)
        _ = try await world.store.apply(draft)
        #expect(
            try await world.eventually(servers: Self.servers) {
                let status = try await world.store.status(Self.webapp)
                return status?.conditions.contains { $0.message.contains("expected App/webapp, found Schedule/webapp") }
                    == true
            })
        #expect(await world.agents.completed.count == before)
        await replica.end()
    }
}
