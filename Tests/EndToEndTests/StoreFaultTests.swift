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

    @Test func `F22: an older append-only file, restored under everybody, takes nothing away and puts nothing back`()
        async throws
    {
        try await TestFleet.with(controllers: 2) { fleet in
            try await bringUp(fleet)
            let other = try fleet.manifest("other.json", Manifests.other)
            // In the old file stands: the App `other` was there, and a person deleted it.
            #expect(try await fleet.opsapply("apply", other, "--wait").code == 0)
            #expect(try await fleet.opsapply("delete", "app/other", "--yes", "--wait").code == 0)
            try await copy(fleet, "\(fleet.redis.folder)/appendonlydir", to: "\(fleet.folder)/old")
            // In the newer: it is there again, and the site has another greeting.
            #expect(try await fleet.opsapply("apply", other, "--wait").code == 0)
            let site = try fleet.manifest("site.json", Manifests.site(greeting: "newer"))
            #expect(try await fleet.opsapply("apply", site, "--wait").code == 0)
            let there = { fleet.text("server1", "/srv/site/index.html") + fleet.text("server1", "/srv/other/page") }
            #expect(there() == "newer from server1\nother\n")

            await fleet.redis.kill9()
            try await copy(fleet, "\(fleet.folder)/old", to: "\(fleet.redis.folder)/appendonlydir")
            try await fleet.redis.startAgain()
            let epoch = try await fleet.leader(after: 0)?.epoch ?? 0
            #expect(epoch > 0, "\(fleet.logs)")
            // The agent has told what it knows, and people are asked; then everything starts anew.
            let isHeld = try await eventually(within: .seconds(20)) {
                try await fleet.opsapply("drift").output.contains("opsapply confirm App/site")
            }
            #expect(isHeld, "\(fleet.logs)")
            await fleet.end("agent-server1")
            try fleet.startAgent("server1")
            await fleet.end("controller1")
            try fleet.startController("controller1")
            let restored = ContinuousClock.now
            _ = await eventually(within: .seconds(8)) {
                there() != "newer from server1\nother\n" || ContinuousClock.now - restored > .seconds(6)
            }
            #expect(there() == "newer from server1\nother\n", "\(fleet.logs)")
            // People are told, and decide.
            let drift = try await fleet.opsapply("drift")
            #expect(drift.output.contains("confirm") || drift.errors.contains("confirm"), "\(drift)")
            #expect(try await fleet.opsapply("confirm", "app/site").code == 0)
            let isOlder = await eventually(within: .seconds(20)) {
                fleet.text("server1", "/srv/site/index.html") == "hello from server1\n"
            }
            #expect(isOlder, "\(fleet.logs)")
        }
    }

    private func copy(_ fleet: TestFleet, _ from: String, to place: String) async throws {
        let outcome = try await Programs.run(
            ["sh", "-c", "rm -rf \"$2\" && cp -a \"$1\" \"$2\"", "sh", from, place], folder: fleet.folder)
        #expect(outcome.code == 0, "\(outcome)")
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
