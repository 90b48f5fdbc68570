// What opsapply says of instances that nobody acts on meanwhile: no controller and no agent runs, and what an agent would
// have reported is written into the store by hand.

import Store
import TestRedis
import Testing

@Suite(.timeLimit(.minutes(3))) struct UnattendedTests {
    /// An App on server1, and the Servers of these names beside it, without its label.
    private func store(others: [String], _ body: (TestFleet) async throws -> Void) async throws {
        try await TestFleet.with(controllers: 0, servers: []) { fleet in
            let web = try fleet.manifest("web.json", Manifests.servers(["server1"]))
            let rest = try fleet.manifest(
                "rest.json", Manifests.servers(others).replacing("\"role\": \"web\"", with: "\"role\": \"db\""))
            let site = try fleet.manifest("site.json", Manifests.site())
            let files = others.isEmpty ? [web, site] : [web, rest, site]
            #expect(try await fleet.opsapply(arguments: ["apply"] + files).code == 0)
            try await body(fleet)
        }
    }

    /// Writes what an agent would have reported of the App.
    private func plant(_ fleet: TestFleet, on server: String, generation: Int = 1, revision: String = "1") async throws
    {
        let shard = StoreLayout.shard(of: server)
        let base = "ops:{s\(shard < 10 ? "0" : "")\(shard)}:"
        _ = try await fleet.redisCommand(
            "HSET", "\(base)server:\(server):app:site", "revision", revision, "generation", "\(generation)", "digest",
            "0000000000000000", "fieldsDigest", "0", "reportedAt", "1", "file:/srv/site/old", "sha256:0 0644")
        _ = try await fleet.redisCommand("SADD", "\(base)server:\(server):instances", "site")
        _ = try await fleet.redisCommand("SADD", "\(base)servers", server)
        _ = try await fleet.redisCommand("HSET", "\(base)server:\(server):observed", "root", "/")
    }

    @Test func `Instances on servers that nobody declares do not count for the brake`() async throws {
        try await store(others: ["server2", "server3"]) { fleet in
            for server in ["server1", "server2", "server3", "lost1", "lost2", "lost3"] {
                try await plant(fleet, on: server)
            }
            let plan = try await fleet.opsapply("plan", "--no-observe")
            #expect(plan.code == 0 && plan.output.contains("site@server2"), "\(plan)")
            #expect(!plan.output.contains("opsapply confirm"), "\(plan)")
            let confirmed = try await fleet.opsapply("confirm", "app/site")
            #expect(confirmed.output.contains("nothing is held back"), "\(confirmed)")
        }
    }

    @Test func `A deleted App that is applied anew goes on from the generation that it had`() async throws {
        try await store(others: []) { fleet in
            let second = try fleet.manifest("second.json", Manifests.site(greeting: "good day"))
            #expect(try await fleet.opsapply("apply", second).code == 0)
            try await plant(fleet, on: "server1", generation: 2)
            #expect(try await fleet.opsapply("delete", "app/site", "--yes").code == 0)
            let third = try fleet.manifest("third.json", Manifests.site(greeting: "good night"))
            let plan = try await fleet.opsapply("plan", third, "--no-observe")
            #expect(!plan.output.contains("opsapply confirm"), "\(plan)")
            #expect(plan.output.contains("generation 3"), "\(plan)")
            let applied = try await fleet.opsapply("apply", third)
            #expect(applied.output.contains("generation 3"), "\(applied)")
        }
    }

    @Test func `One confirm is enough for both that a person is asked for`() async throws {
        try await store(others: (2...6).map { "server\($0)" }) { fleet in
            for number in 1...6 { try await plant(fleet, on: "server\(number)", generation: 9) }
            let confirmed = try await fleet.opsapply("confirm", "app/site")
            #expect(confirmed.output.contains("goes on as generation 10; its servers knew 9"), "\(confirmed)")
            #expect(
                confirmed.output.contains("removal of 5 of 6 instances, confirmed for generation 10"), "\(confirmed)")
            let again = try await fleet.opsapply("confirm", "app/site")
            #expect(again.output.contains("nothing is held back"), "\(again)")
        }
    }

    @Test func `A retry does not promise a try that something else holds back`() async throws {
        try await store(others: []) { fleet in
            try await plant(fleet, on: "server1")
            let key = try await fleet.key("server:server1:app:site").replacing(":app:", with: ":instance:")
            _ = try await fleet.redisCommand("HSET", key, "phase", "Suspended", "round", "1", "roundEndedAt", "1")
            let retry = try await fleet.opsapply("retry", "site@server1")
            #expect(retry.code == 0 && retry.output.contains("site@server1: "), "\(retry)")
            #expect(!retry.output.contains("now"), "\(retry)")
        }
    }

    @Test(arguments: [["drift"], ["plan", "--no-observe"], ["get", "instances"]])
    func `What leaves out a damaged instance says so by its exit code`(_ command: [String]) async throws {
        try await store(others: []) { fleet in
            try await plant(fleet, on: "server1", revision: "x")
            let outcome = try await fleet.opsapply(arguments: command)
            #expect(outcome.code == 1, "\(outcome)")
            #expect(outcome.errors.contains("site@server1 is left out"), "\(outcome)")
        }
    }
}
