// What one change costs grows neither with the fleet nor with the number of servers of its App.

import Controller
import Model
import Store
import Testing

@Suite struct CostTests {
    /// Store calls, by name, that one drift and its repair cost in a fleet of this size.
    private func callsForOneDrift(servers count: Int, apps: Int) async throws -> [String: Int] {
        let world = World()
        let servers = (1...count).map { "server\($0)" }
        try await world.addServers(servers)
        for app in 1...apps {
            try await world.apply(World.app("app\(app)", extra: ", \"update\": { \"maxUnavailable\": \(count) }"))
        }
        let replica = world.replica("a") { $0.fullPass = .seconds(100_000) }
        #expect(
            try await world.eventually(servers: servers) {
                for app in 1...apps {
                    guard try await world.isReady(ResourceKey(.app, "app\(app)")) else { return false }
                }
                return true
            })
        _ = try await world.eventually(.seconds(2), servers: servers) { false }
        replica.store.resetCalls()
        let id = InstanceID(app: "app1", server: "server1")
        await world.agents.tamper(id, FieldKey(.file, "/etc/app1.conf"), FieldValue.absent)
        let jobs = await world.agents.completed.count
        #expect(
            try await world.eventually(servers: ["server1"]) { await world.agents.completed.count == jobs + 1 })
        #expect(try await world.eventually(servers: ["server1"]) { try await world.phase(id) == .ready })
        let calls = replica.store.calls
        await replica.end()
        return calls
    }

    @Test func `one drift costs the same store calls in a fleet ten times as large`() async throws {
        let small = try await callsForOneDrift(servers: 20, apps: 5)
        let wide = try await callsForOneDrift(servers: 200, apps: 5)
        for calls in [small, wide] {
            #expect(calls["instance", default: 0] <= 8)
            #expect(calls["commit", default: 0] <= 4)
            #expect(calls["resource", default: 0] == 0)
            #expect(calls["instances", default: 0] == 0)
        }
        #expect(small["commit"] == wide["commit"])
        #expect(small["instance"] == wide["instance"])
    }

    @Test func `a replica that joins a converged fleet reads it whole and looks at no instance by itself`() async throws
    {
        let world = World()
        let servers = (1...50).map { "server\($0)" }
        try await world.addServers(servers)
        try await world.apply(World.app("webapp", extra: ", \"update\": { \"maxUnavailable\": 50 }"))
        let first = world.replica("a")
        let webapp = ResourceKey(.app, "webapp")
        #expect(try await world.eventually(servers: servers) { try await world.isReady(webapp) })
        let second = world.replica("b") { $0.fullPass = .seconds(100_000) }
        #expect(try await world.eventually(servers: []) { second.store.calls("acquireLease") > 0 })
        await world.time.pass(.seconds(2))
        #expect(second.store.calls("instances") > 0)
        #expect(second.store.calls("instance") == 0)
        await first.end()
        await second.end()
    }

    @Test func `an instance whose Server cannot be read holds up nobody's budget`() throws {
        var fleet = Fleet()
        let webapp = try World.compiled(World.app("webapp"))
        fleet.update([webapp] + (try ["server1", "server2"].map { try World.compiled(World.server($0)) }))
        let slots = fleet.allSlots
        #expect(slots.count == 2)
        fleet.markUnseen(slots[0])
        let isEarly = fleet.reserve(slots[1])
        #expect(!isEarly)
        let name = fleet.id(slots[0]).server
        fleet.update([.unreadable(ResourceKey(.server, name), generation: 1, why: "damaged")])
        #expect(fleet.begin(slots[0]) == nil)
        let hasLeave = fleet.reserve(slots[1])
        #expect(hasLeave)
    }

    @Test func `an instance stands in its App's line for the budget once, however often it is looked at`() throws {
        var fleet = Fleet()
        let slot = fleet.ensureSlot(InstanceID(app: "webapp", server: "server1"))
        for _ in 1...3 {
            let hasLeave = fleet.reserve(slot)
            #expect(!hasLeave)
        }
        #expect(fleet.app(named: "webapp")?.waiters.count == 1)
        fleet.wakePending()
        #expect(fleet.app(named: "webapp")?.waiters.isEmpty == true)
        _ = fleet.reserve(slot)
        #expect(fleet.app(named: "webapp")?.waiters.count == 1)
    }
}
