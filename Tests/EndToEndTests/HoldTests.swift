// What plan, drift and describe say of instances that are held back, or of which nothing is known any more: the same as
// the controller says.

import Glibc
import Store
import TestRedis
import Testing

@Suite(.timeLimit(.minutes(5))) struct HoldTests {
    @Test func `A dead server is never in sync: not for plan, not for describe, not for drift`() async throws {
        try await TestFleet.with(controllers: 1) { fleet in
            try await bringUp(fleet)
            #expect(try await fleet.opsapply("plan", "--detailed-exitcode").code == 0)
            try await fleet.silence(agentOf: "server1")
            let plan = try await fleet.opsapply("plan", "--detailed-exitcode")
            #expect(plan.code == 2, "\(plan)")
            #expect(plan.output.contains("site@server1  held: server1 does not report"), "\(plan)")
            #expect(plan.output.contains("1 instance differs (1 held), 0 in sync"), "\(plan)")
            let described = try await fleet.opsapply("describe", "site@server1")
            #expect(described.output.contains("unknown") && !described.output.contains("in sync"), "\(described)")
            let drift = try await fleet.opsapply("drift", "site")
            #expect(drift.output.contains("0 in sync"), "\(drift)")
        }
    }

    @Test func `A plan says which suspension would hold its steps back`() async throws {
        try await TestFleet.with(controllers: 1) { fleet in
            try await bringUp(fleet)
            let servers = Manifests.servers(["server1"]).replacing(
                "\"address\"", with: "\"suspend\": { \"reason\": \"moving racks\" }, \"address\"")
            #expect(try await fleet.opsapply("apply", fleet.manifest("servers.json", servers)).code == 0)
            let changed = try fleet.manifest("site.json", Manifests.site(greeting: "good day"))
            let plan = try await fleet.opsapply("plan", changed)
            #expect(plan.output.contains("site@server1  held: suspended: moving racks"), "\(plan)")
        }
    }

    @Test func `Drift knows what a person has confirmed`() async throws {
        try await TestFleet.with(controllers: 1) { fleet in
            try await bringUp(fleet)
            await fleet.end("controller1")
            await fleet.end("agent-server1")
            let key = try await fleet.key("server:server1:app:site")
            _ = try await fleet.redisCommand("HSET", key, "generation", "9", "digest", "0000000000000000")
            _ = try await fleet.redisCommand("HSET", key, "config:greeting", "of generation 9")
            let held = try await fleet.opsapply("drift", "site", "-o", "csv")
            #expect(held.output.contains("opsapply confirm App/site"), "\(held)")
            #expect(try await fleet.opsapply("confirm", "app/site").code == 0)
            let confirmed = try await fleet.opsapply("drift", "site", "-o", "csv")
            #expect(!confirmed.output.contains("opsapply confirm"), "\(confirmed)")
        }
    }

    @Test func `drift -o name names the instances that drifted, and no others`() async throws {
        try await TestFleet.with(controllers: 1, servers: ["server1", "server2"]) { fleet in
            try await bringUp(fleet, servers: ["server1", "server2"])
            let before = try await fleet.opsapply("drift", "-o", "name")
            #expect(before.code == 0 && before.output.isEmpty, "\(before)")
            await fleet.end("controller1")
            try fleet.write(fleet.root("server2") + "/srv/site/index.html", "defaced\n")
            var named = before
            let isNamed = try await eventually(within: .seconds(15)) {
                named = try await fleet.opsapply("drift", "-o", "name")
                return named.output == "site@server2\n"
            }
            #expect(isNamed && named.code == 0, "\(named)")
        }
    }
}
