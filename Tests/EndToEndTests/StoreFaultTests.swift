// F22, F23, and Redis itself: emptied, without scripts, not there, gone and back.

import Glibc
import JSON
import TestRedis
import Testing

@Suite(.serialized, .timeLimit(.minutes(5))) struct StoreFaultTests {
    @Test func `F22: nothing is taken away because the store is empty`() async throws {
        try await TestFleet.with(controllers: 2) { fleet in
            try await bringUp(fleet)
            _ = try await fleet.redisCommand("FLUSHALL")
            let flushed = ContinuousClock.now
            let wasRemoved = await eventually(within: .seconds(6)) {
                fleet.text("server1", "/srv/site/index.html").isEmpty || ContinuousClock.now - flushed > .seconds(5)
            }
            #expect(wasRemoved)
            #expect(fleet.text("server1", "/srv/site/index.html") == "hello from server1\n", "\(fleet.logs)")
            #expect(try await fleet.leader(after: 0) != nil, "somebody leads again\n\(fleet.logs)")
            try await bringUp(fleet)
            try fleet.write(fleet.root("server1") + "/srv/site/index.html", "defaced\n")
            #expect(await isRepaired(fleet), "\(fleet.logs)")
        }
    }

    @Test func `F22: an older desired state, restored, takes nothing away`() async throws {
        try await TestFleet.with(controllers: 1) { fleet in
            try await bringUp(fleet)
            let key = try await fleet.redisCommand("--raw", "KEYS", "ops:*desired:App:site")
            let desired = String(key.split(separator: "\n").first ?? "")
            #expect(!desired.isEmpty)
            // As if the append-only file ended before the App was ever applied: the hash is not there, and no tombstone.
            _ = try await fleet.redisCommand("DEL", desired)
            let index = desired.replacing("desired:App:site", with: "index:App")
            _ = try await fleet.redisCommand("SREM", index, "site")
            await fleet.end("controller1")
            try fleet.startController("controller1")
            let restarted = ContinuousClock.now
            _ = await eventually(within: .seconds(8)) {
                !fleet.exists("server1", "/srv/site/index.html") || ContinuousClock.now - restarted > .seconds(6)
            }
            #expect(fleet.text("server1", "/srv/site/index.html") == "hello from server1\n", "\(fleet.logs)")
        }
    }

    @Test func `F23: after SCRIPT FLUSH every call is answered as before`() async throws {
        try await TestFleet.with(controllers: 1) { fleet in
            try await bringUp(fleet)
            for round in 0..<5 {
                _ = try await fleet.redisCommand("SCRIPT", "FLUSH")
                try fleet.write(fleet.root("server1") + "/srv/site/index.html", "defaced \(round)\n")
                #expect(await isRepaired(fleet), "\(fleet.logs)")
            }
        }
    }

    @Test func `Redis gone in the middle and back: everybody goes on, and services never stopped`() async throws {
        try await TestFleet.with(controllers: 2) { fleet in
            try await bringUp(fleet)
            await fleet.redis.kill9()
            try fleet.write(fleet.root("server1") + "/srv/site/index.html", "defaced while Redis was gone\n")
            let outcome = try await fleet.opsapply("get", "apps")
            #expect(outcome.code == 1 && outcome.errors.split(separator: "\n").count == 1, "\(outcome)")
            try await fleet.redis.startAgain()
            #expect(await isRepaired(fleet, within: .seconds(20)), "\(fleet.logs)")
        }
    }

    @Test func `Redis not there at start: the services wait for it`() async throws {
        try await TestFleet.with(controllers: 0, servers: []) { fleet in
            await fleet.redis.stop()
            try fleet.startController("controller1")
            try fleet.startAgent("server1")
            let hasSaid = await eventually {
                !readText(fleet.log("controller1")).isEmpty && !readText(fleet.log("agent-server1")).isEmpty
            }
            #expect(hasSaid, "\(fleet.logs)")
            for name in ["controller1", "agent-server1"] {
                #expect(fleet.pid(name).map { kill($0, 0) == 0 } ?? false, "\(name) lives\n\(fleet.logs)")
            }
            try await fleet.redis.startAgain()
            try await bringUp(fleet)
        }
    }
}
