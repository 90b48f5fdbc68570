// Schedules over the real controller and the in-memory store, on a clock of the test's own.

import Controller
import Model
import Store
import Testing

@Suite struct ScheduleServiceTests {
    private static let queue = RunQueue.server("server1")

    private func schedule(_ name: String, _ trigger: String, on: String = #""servers": ["server1"]"#, more: String = "")
        -> String
    {
        """
        { "apiVersion": "ops/v1", "kind": "Schedule", "metadata": { "name": "\(name)" },
          "spec": { \(trigger), "run": { "steps": [ { "command": ["true"] } ] }, "on": { \(on) }\(more) } }
        """
    }

    /// Enough time for a leader to be elected, in small steps.
    private func lead(_ world: World, _ replica: RunningReplica) async {
        #expect(await world.time.pass(.seconds(30)) { replica.isLeading(at: world.time.now()) })
    }

    private func ids(_ world: World, on queue: RunQueue = Self.queue) async throws -> [String] {
        try await world.store.runs(on: queue, limit: 1000).map(\.job.id).sorted()
    }

    private func finishAll(_ world: World, token: String) async throws {
        let reply = try await world.store.turn(
            RunTurn(queue: Self.queue, server: "server1", token: token, limit: 100, lease: .seconds(10)))
        let ends = reply.claims.map { RunCompletion(id: $0.job.id, token: token, result: .done, exitCode: 0) }
        _ = try await world.store.turn(
            RunTurn(
                queue: Self.queue, server: "server1", token: token + "x", limit: 0, lease: .seconds(10),
                completions: ends))
    }

    @Test func `each time is one job, named after the schedule and the time`() async throws {
        let world = World()
        try await world.apply(
            World.server("server1"), schedule("m", #""at": "* * * * *""#, more: #", "overlap": "allow""#))
        let replica = world.replica("a")
        await lead(world, replica)
        await world.time.pass(.seconds(150), step: .milliseconds(100))
        let found = try await ids(world)
        #expect(found.count == 2 || found.count == 3)
        #expect(found.allSatisfy { $0.hasPrefix("m-20270115T08") && $0.hasSuffix("00Z") }, "\(found)")
        let job = try await world.store.runs(on: Self.queue, limit: 1).first?.job
        #expect(job?.origin == "Schedule/m" && job?.scheduledFor != nil)
        await replica.end()
    }

    @Test func `a leader that died after it enqueued and before it wrote that down leaves one job`() async throws {
        let world = World()
        try await world.apply(
            World.server("server1"), schedule("m", #""at": "* * * * *""#, more: #", "overlap": "allow""#))
        let first = world.replica("a")
        await lead(world, first)
        #expect(await world.time.pass(.seconds(5)) { (try? await world.store.scheduleState("m")) != nil })
        let unwritten = StoreError.unavailable("the test")
        first.store.refuse("writeScheduleStates", with: unwritten)
        #expect(await world.time.pass(.seconds(70), step: .milliseconds(100)) { (try? await ids(world).count) == 1 })
        await first.kill()
        let second = world.replica("b")
        await lead(world, second)
        await world.time.pass(.seconds(10), step: .milliseconds(100))
        let found = try await ids(world)
        #expect(found.count == Set(found).count && found.count == 1, "\(found)")
        #expect(second.store.calls("enqueue") >= 1)
        await second.end()
    }

    /// Where a leader dies, and whether its run is there.
    @Test(arguments: [("writeScheduleStates", false), ("enqueue", true)], [ScheduleSpec.Overlap.forbid, .replace])
    func `a leader that died around an enqueue leaves no run beside which the next comes`(
        _ death: (after: String, isEnqueued: Bool), _ overlap: ScheduleSpec.Overlap
    ) async throws {
        let world = World()
        try await world.apply(
            World.server("server1"),
            schedule("m", #""at": "* * * * *""#, more: #", "overlap": "\#(overlap.rawValue)""#))
        let first = world.replica("a")
        await lead(world, first)
        #expect(await world.time.pass(.seconds(5)) { (try? await world.store.scheduleState("m")) != nil })
        first.store.die(after: death.after)
        #expect(await world.time.pass(.seconds(70), step: .milliseconds(100)) { first.store.isDead })
        await first.kill()
        #expect(try await ids(world).count == (death.isEnqueued ? 1 : 0))
        // The next time is due before anybody looks.
        await world.time.pass(.seconds(60), step: .milliseconds(500))
        let back = world.time.timestamp()
        let second = world.replica("b")
        await lead(world, second)
        let isDecided = await world.time.pass(.seconds(50), step: .milliseconds(100)) {
            (try? await world.store.scheduleState("m")).map { $0.decidedUntil >= back } ?? false
        }
        #expect(isDecided)
        let states = try await world.store.runs(on: Self.queue, limit: 10).map(\.state)
        let isReplaced = death.isEnqueued && overlap == .replace
        #expect(states == (isReplaced ? [.ready, .cancelled] : [.ready]))
        let isLeftOut = try await world.store.scheduleState("m")?.leftOut?.contains("was not over") ?? false
        #expect(isLeftOut == (death.isEnqueued && overlap == .forbid))
        await second.end()
    }

    @Test func `a run that is not over forbids the next, which is told`() async throws {
        let world = World()
        try await world.apply(World.server("server1"), schedule("m", #""at": "* * * * *""#))
        let replica = world.replica("a")
        await lead(world, replica)
        await world.time.pass(.seconds(190), step: .milliseconds(100))
        #expect(try await ids(world).count == 1)
        #expect(try await world.events("ScheduleLeftOut").count == 1, "the same cause is told once")
        try await finishAll(world, token: "t")
        await world.time.pass(.seconds(61), step: .milliseconds(100))
        #expect(try await ids(world).count == 2)
        await replica.end()
    }

    @Test func `a run that is not over is replaced`() async throws {
        let world = World()
        try await world.apply(
            World.server("server1"), schedule("m", #""at": "* * * * *""#, more: #", "overlap": "replace""#))
        let replica = world.replica("a")
        await lead(world, replica)
        await world.time.pass(.seconds(130), step: .milliseconds(100))
        let states = try await world.store.runs(on: Self.queue, limit: 10).map(\.state)
        #expect(states.filter { $0 == .ready }.count == 1 && states.contains(.cancelled))
        await replica.end()
    }

    @Test func `a schedule that is suspended fires nothing, and one that is deleted is forgotten`() async throws {
        let world = World()
        let suspended = #", "suspend": { "reason": "moving" }"#
        try await world.apply(World.server("server1"), schedule("m", #""at": "* * * * *""#, more: suspended))
        let replica = world.replica("a")
        await lead(world, replica)
        await world.time.pass(.seconds(130), step: .milliseconds(100))
        #expect(try await ids(world).isEmpty)
        #expect(try await world.store.scheduleState("m") != nil)
        _ = try await world.store.delete(ResourceKey(.schedule, "m"), by: "test", expectedGeneration: nil)
        let isForgotten = await world.time.pass(.seconds(30), step: .milliseconds(100)) {
            (try? await world.store.scheduleState("m")) == nil
        }
        #expect(isForgotten)
        await replica.end()
    }

    @Test func `a condition fires once on the server where it holds for long enough`() async throws {
        let world = World()
        try await world.apply(
            World.server("server1"), World.server("server2"),
            schedule(
                "full", #""when": { "metric": "disk", "above": 85, "for": "10s", "coolDown": "1m" }"#,
                on: #""selector": { "role": "web" }"#))
        let replica = world.replica("a")
        await lead(world, replica)
        func report(_ disk: Int, for time: Duration) async throws {
            for _ in 0..<Int(time.components.seconds / 5) {
                for server in ["server1", "server2"] {
                    let value = server == "server1" ? disk : 20
                    let values = ["disk": "\(value)"]
                    try await world.store.report(ServerReport(server: server, values: values, full: false))
                }
                await world.time.pass(.seconds(5), step: .milliseconds(100))
            }
        }
        try await report(90, for: .seconds(5))
        #expect(try await ids(world).isEmpty)
        /// The replica may be slow to look, so it is given time.
        func report(_ disk: Int, until condition: () async throws -> Bool) async throws -> Bool {
            for _ in 0..<20 where try await !condition() { try await report(disk, for: .seconds(5)) }
            return try await condition()
        }
        #expect(try await report(90) { try await ids(world).count == 1 })
        #expect(try await ids(world, on: .server("server2")).isEmpty)
        let hasEnded = try await report(10) {
            let edge = try await world.store.scheduleState("full")?.edges["server1"]
            return edge?.firedAt != nil && edge?.since == nil
        }
        #expect(hasEnded)
        try await report(90, for: .seconds(20))
        #expect(try await ids(world).count == 1)
        #expect(try await report(90) { try await ids(world).count == 2 })
        await replica.end()
    }

    @Test func `a schedule that leads nowhere says so, and goes on`() async throws {
        let world = World()
        try await world.apply(
            World.server("server1"), schedule("m", #""at": "* * * * *""#, on: #""selector": { "role": "nobody" }"#))
        let replica = world.replica("a")
        await lead(world, replica)
        await world.time.pass(.seconds(70), step: .milliseconds(100))
        let told = try await world.events("ScheduleLeftOut")
        #expect(told.contains { $0.message.contains("no Server has the labels role=nobody") })
        #expect(try await world.store.scheduleState("m")?.leftOut != nil)
        await replica.end()
    }

    @Test func `a time that came between the apply and the first leader is made up for`() async throws {
        let world = World()
        try await world.apply(World.server("server1"), schedule("m", #""at": "* * * * *""#))
        await world.time.pass(.seconds(70), step: .milliseconds(500))
        let replica = world.replica("a")
        await lead(world, replica)
        #expect(await world.time.pass(.seconds(5)) { (try? await ids(world).count) == 1 })
        await replica.end()
    }

    @Test func `a store that cannot be read for a while ends no Schedule`() async throws {
        let world = World()
        try await world.apply(World.server("server1"), schedule("m", #""at": "* * * * *""#))
        let replica = world.replica("a")
        replica.store.refuse("scheduleState", with: .unavailable("the test"))
        await lead(world, replica)
        #expect(await world.time.pass(.seconds(5)) { replica.store.calls("scheduleState") > 1 })
        replica.store.refuse("scheduleState", with: nil)
        #expect(await world.time.pass(.seconds(70), step: .milliseconds(100)) { (try? await ids(world).count) == 1 })
        await replica.end()
    }

    @Test func `all are read again now and then, whatever was said of changes`() async throws {
        let world = World()
        let replica = world.replica("a") { $0.scheduleReading = .seconds(1) }
        await lead(world, replica)
        await world.time.pass(.seconds(1))
        replica.store.resetCalls()
        #expect(await world.time.pass(.seconds(20)) { replica.store.calls("resources") >= 5 })
        await replica.end()
    }

    @Test func `a Schedule whose progress was damaged begins anew, says so, and holds up no other`() async throws {
        let world = World()
        try await world.apply(
            World.server("server1"), schedule("m", #""at": "* * * * *""#, more: #", "overlap": "allow""#),
            schedule("n", #""at": "* * * * *""#, more: #", "overlap": "allow""#))
        let replica = world.replica("a")
        replica.store.refuse("scheduleState", with: .corrupt(key: "m", "the test"))
        await lead(world, replica)
        let isTold = await world.time.pass(.seconds(5)) {
            Set((try? await world.events("ScheduleBegunAnew").map(\.subject)) ?? []) == ["Schedule/m", "Schedule/n"]
        }
        #expect(isTold)
        replica.store.refuse("scheduleState", with: nil)
        #expect(await world.time.pass(.seconds(70), step: .milliseconds(100)) { (try? await ids(world).count) == 2 })
        await replica.end()
    }

    @Test func `hundreds that are due at once are asked, enqueued and written down in a few calls`() async throws {
        let world = World()
        try await world.addServers(["server1", "server2"])
        let count = 300
        for index in 0..<count {
            let on = #""servers": ["server\#(1 + index % 2)"]"#
            try await world.apply(schedule("m\(index)", #""at": "* * * * *""#, on: on))
        }
        let replica = world.replica("a")
        await lead(world, replica)
        // The last by name.
        let isRead = await world.time.pass(.seconds(30), step: .milliseconds(10)) {
            (try? await world.store.scheduleState("m99")) != nil
        }
        #expect(isRead)
        func runs() async throws -> Int {
            try await ids(world).count + (try await ids(world, on: .server("server2")).count)
        }
        replica.store.resetCalls()
        #expect(await world.time.pass(.seconds(70), step: .milliseconds(100)) { (try? await runs()) == count })
        let isWritten = await world.time.pass(.seconds(5)) {
            guard let state = try? await world.store.scheduleState("m99") else { return false }
            return state.lastRun.map { $0.time <= state.decidedUntil } ?? false
        }
        #expect(isWritten)
        // Two portions, each on two queues, with an intent and a state.
        #expect(replica.store.calls("enqueue") <= 4 && replica.store.calls("writeScheduleStates") <= 4)
        await replica.end()
    }

    @Test func `one whose servers take from too many pools keeps no other back`() async throws {
        let world = World()
        let count = Pool.mostOfOneServer + 1
        let labels = Dictionary(uniqueKeysWithValues: (0..<count).map { ("l\($0)", "yes") })
        try await world.apply(World.server("server1", labels: labels))
        for index in 0..<count {
            let on = #""selector": { "l\#(index)": "yes" }, "any": 1"#
            try await world.apply(schedule("m\(index)", #""at": "* * * * *""#, on: on))
        }
        let replica = world.replica("a")
        await lead(world, replica)
        let hasCome = await world.time.pass(.seconds(70), step: .milliseconds(100)) {
            guard let left = try? await world.events("ScheduleLeftOut"), left.count == 1 else { return false }
            let pools = (0..<count).compactMap { Pool(selector: ["l\($0)": "yes"]) }
            var runs = 0
            for pool in pools { runs += (try? await ids(world, on: .pool(pool)).count) ?? 0 }
            return runs == count - 1
        }
        #expect(hasCome)
        #expect(try await world.events("ScheduleLeftOut").first?.message.contains("takes from 64 pools") == true)
        await replica.end()
    }

    @Test func `what a queue never takes is left out, said so, and the next time is as any other`() async throws {
        let world = World()
        try await world.apply(World.server("server1"), schedule("m", #""at": "* * * * *""#))
        let replica = world.replica("a")
        await lead(world, replica)
        replica.store.refuse("enqueue", with: .tooLarge("too large for the test"))
        await world.time.pass(.seconds(62), step: .milliseconds(100))
        #expect(try await world.store.scheduleState("m")?.leftOut?.contains("too large for the test") == true)
        #expect(replica.store.calls("enqueue") == 1)
        replica.store.refuse("enqueue", with: nil)
        let isOver = await world.time.pass(.seconds(62), step: .milliseconds(100)) {
            let state = try? await world.store.scheduleState("m")
            return state?.lastRun != nil && state?.leftOut == nil
        }
        #expect(isOver)
        #expect(try await ids(world).count == 1)
        await replica.end()
    }

    @Test func `a condition whose servers cannot be told says so until they can`() async throws {
        let world = World()
        try await world.apply(
            World.server("server1"),
            schedule("full", #""when": { "metric": "disk", "above": 85 }"#, on: #""servers": ["server1", "server2"]"#))
        let replica = world.replica("a")
        await lead(world, replica)
        let why = "there is no Server server2"
        #expect(
            await world.time.pass(.seconds(5)) { (try? await world.events("ScheduleUnwatched").count) == 1 })
        #expect(try await world.events("ScheduleUnwatched").map(\.message) == ["nothing is watched: \(why)"])
        #expect(try await world.store.scheduleState("full")?.unwatched == why)
        #expect(try await world.store.scheduleState("full")?.leftOut == nil)
        try await world.apply(World.server("server2"))
        let isOver = await world.time.pass(.seconds(10)) {
            let state = try? await world.store.scheduleState("full")
            return state != nil && state?.unwatched == nil
        }
        #expect(isOver)
        await replica.end()
    }

    @Test func `a Schedule that was changed to fewer jobs still knows those of the run before`() async throws {
        let world = World()
        func pooled(_ count: Int) -> String {
            schedule("m", #""at": "* * * * *""#, on: #""selector": { "role": "web" }, "any": \#(count)"#)
        }
        try await world.apply(World.server("server1"), pooled(3))
        let replica = world.replica("a")
        await lead(world, replica)
        let pool = RunQueue.pool(try #require(Pool(selector: ["role": "web"])))
        #expect(
            await world.time.pass(.seconds(70), step: .milliseconds(100)) {
                (try? await ids(world, on: pool).count) == 3
            })
        try await world.apply(pooled(1))
        await world.time.pass(.seconds(62), step: .milliseconds(100))
        #expect(try await ids(world, on: pool).count == 3)
        await replica.end()
    }

    @Test func `of a Schedule that is deleted while nobody leads nothing is left`() async throws {
        let world = World()
        try await world.apply(World.server("server1"), schedule("m", #""at": "* * * * *""#))
        let replica = world.replica("a")
        await lead(world, replica)
        #expect(await world.time.pass(.seconds(5)) { (try? await world.store.scheduleState("m")) != nil })
        await replica.end()
        _ = try await world.store.delete(ResourceKey(.schedule, "m"), by: "test", expectedGeneration: nil)
        #expect(try await world.store.scheduleState("m") == nil)
    }
}
