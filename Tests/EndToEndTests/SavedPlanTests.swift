// `plan --out` and `apply --plan`: what was planned is applied as it was planned, or not at all.

import Glibc
import TestRedis
import Testing

@Suite(.timeLimit(.minutes(5))) struct SavedPlanTests {
    /// Brings up two servers, saves a plan of a change, and lets `move` happen before it is applied.
    private func applyAfter(_ move: (TestFleet) async throws -> Void) async throws -> Outcome {
        var outcome = Outcome(code: -1, output: "", errors: "")
        try await TestFleet.with(controllers: 1, servers: ["server1", "server2"]) { fleet in
            try await bringUp(fleet, servers: ["server1", "server2"])
            let changed = try fleet.manifest("changed.json", Manifests.site(greeting: "good day"))
            let plan = try await fleet.opsapply("plan", changed, "--out", "\(fleet.folder)/plan.json")
            #expect(plan.code == 0, "\(plan)")
            try await move(fleet)
            outcome = try await fleet.opsapply(
                "apply", "--plan", "\(fleet.folder)/plan.json", "--wait", "--timeout", "30s")
            let isApplied = try await fleet.redisCommand(
                "HGET", try await fleet.key("desired:App:site"), "config:greeting")
            #expect(isApplied.contains("good day") == (outcome.code == 0), "\(outcome)")
        }
        return outcome
    }

    private func expectRefusal(_ outcome: Outcome, _ what: String) {
        #expect(outcome.code == 1, "\(outcome)")
        #expect(outcome.errors.contains(what), "\(outcome)")
        #expect(outcome.errors.contains("nothing is applied"), "\(outcome)")
    }

    @Test func `A saved plan is applied if nothing moved`() async throws {
        let outcome = try await applyAfter { _ in }
        #expect(outcome.code == 0, "\(outcome)")
    }

    @Test func `A desired generation that moved refuses the plan`() async throws {
        let outcome = try await applyAfter { fleet in
            let other = try fleet.manifest("other.json", Manifests.site(greeting: "good night"))
            #expect(try await fleet.opsapply("apply", other, "--wait").code == 0)
        }
        expectRefusal(outcome, "App/site moved since the plan was made: generation 1 then, generation 2 now")
    }

    @Test func `A Server that changed refuses the plan, though no file of the plan names it`() async throws {
        let outcome = try await applyAfter { fleet in
            let servers = Manifests.servers(["server1", "server2"]).replacing("127.0.0.2", with: "127.0.0.9")
            let path = try fleet.manifest("moved.json", servers)
            #expect(try await fleet.opsapply("apply", path).code == 0)
        }
        expectRefusal(outcome, "Server/server2 moved since the plan was made: generation 1 then, generation 2 now")
    }

    @Test func `A Server that joins the placement refuses the plan`() async throws {
        let outcome = try await applyAfter { fleet in
            let servers = Manifests.servers(["server1", "server2", "server3"])
            let path = try fleet.manifest("more.json", servers)
            #expect(try await fleet.opsapply("apply", path).code == 0)
        }
        expectRefusal(outcome, "site@server3 moved since the plan was made: not placed then, placed now")
    }

    @Test func `An instance that moved refuses the plan`() async throws {
        let outcome = try await applyAfter { fleet in
            await fleet.end("controller1")
            let key = try await fleet.key("server:server2:app:site")
            let before = try await fleet.redisCommand("--raw", "HGET", key, "revision")
            try fleet.write(fleet.root("server2") + "/srv/site/index.html", "defaced\n")
            let hasMoved = try await eventually {
                try await fleet.redisCommand("--raw", "HGET", key, "revision") != before
            }
            #expect(hasMoved)
        }
        expectRefusal(outcome, "site@server2 moved since the plan was made: observed revision")
    }
}
