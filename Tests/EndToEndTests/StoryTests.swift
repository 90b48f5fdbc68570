// The story of `scripts/demo`, small: declared, broken, repaired, changed, taken away. Without nginx, on two servers.

import Glibc
import JSON
import TestRedis
import Testing

@Suite(.serialized, .timeLimit(.minutes(5))) struct StoryTests {
    static let servers = ["server1", "server2"]

    @Test func `Declared, broken by hand, repaired, changed, and taken away with nothing else`() async throws {
        try await TestFleet.with(controllers: 2, servers: Self.servers) { fleet in
            try await bringUp(fleet, servers: Self.servers)
            for server in Self.servers { #expect(await isRepaired(fleet, server)) }
            let plan = try await fleet.opsapply("plan", "\(fleet.folder)/site.json", "--detailed-exitcode")
            #expect(plan.code == 0, "a converged fleet has no plan: \(plan)")

            try fleet.write(fleet.root("server1") + "/srv/foreign.txt", "not yours\n")
            try fleet.write(fleet.root("server1") + "/srv/site/index.html", "defaced\n")
            #expect(removeFolder(fleet.root("server2") + "/srv/site"))
            for server in Self.servers { #expect(await isRepaired(fleet, server), "\(fleet.logs)") }
            try await expectHistory(fleet)

            let changed = try fleet.manifest("site.json", Manifests.site(greeting: "good day"))
            let applied = try await fleet.opsapply("apply", changed, "--wait", "--timeout", "30s")
            #expect(applied.code == 0, "\(applied)\n\(fleet.logs)")
            for server in Self.servers { #expect(await isRepaired(fleet, server, greeting: "good day", within: .zero)) }

            let deleted = try await fleet.opsapply("delete", "app/site", "--yes", "--wait", "--timeout", "30s")
            #expect(deleted.code == 0, "\(deleted)\n\(fleet.logs)")
            for server in Self.servers { #expect(!fleet.exists(server, "/srv/site")) }
            #expect(fleet.text("server1", "/srv/foreign.txt") == "not yours\n")
        }
    }

    @Test func `HSET of a config entry is an edit: taken if it is valid, set back if it is not`() async throws {
        try await TestFleet.with(controllers: 1) { fleet in
            try await bringUp(fleet)
            let key = try await fleet.redisCommand("--raw", "KEYS", "ops:*desired:App:site")
            let desired = String(key.split(separator: "\n").first ?? "")
            _ = try await fleet.redisCommand("HSET", desired, "config:greeting", "edited")
            #expect(await isRepaired(fleet, greeting: "edited"), "\(fleet.logs)")
            let generation = try await fleet.redisCommand("HGET", desired, "generation")
            #expect(generation.contains("2"), "\(generation)")
            _ = try await fleet.redisCommand("HDEL", desired, "config:greeting")
            let isBack = try await eventually(within: .seconds(15)) {
                try await fleet.redisCommand("HGET", desired, "config:greeting").contains("edited")
            }
            #expect(isBack, "an entry that a template needs is set back\n\(fleet.logs)")
        }
    }

    @Test func `An agent that reported before its Server was declared is known when it is`() async throws {
        try await TestFleet.with(controllers: 0) { fleet in
            let hasReported = try await eventually {
                try await fleet.redisCommand("--raw", "KEYS", "*:server:server1:observed").contains("observed")
            }
            #expect(hasReported, "\(fleet.logs)")
            try fleet.startController("controller1")
            #expect(try await fleet.leader(after: 0) != nil, "\(fleet.logs)")
            try await bringUp(fleet)
        }
    }

    private func expectHistory(_ fleet: TestFleet) async throws {
        var report = ""
        let isTold = try await eventually {
            report = try await fleet.opsapply("drift", "--history").output
            return report.contains("file:/srv/site/index.html") && report.contains("directory:/srv/site")
        }
        #expect(isTold, "\(report)")
    }
}
