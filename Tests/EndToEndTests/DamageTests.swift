// One damaged hash hides nothing else: it is named, shown as what it is, and can be looked at and deleted.

import Glibc
import TestRedis
import Testing

@Suite(.timeLimit(.minutes(3))) struct DamageTests {
    /// Two servers and an App in the store, nobody to act on them, and the desired hash of server2 damaged.
    private func damaged(_ body: (TestFleet) async throws -> Void) async throws {
        try await TestFleet.with(controllers: 0, servers: []) { fleet in
            let servers = try fleet.manifest("servers.json", Manifests.servers(["server1", "server2"]))
            let site = try fleet.manifest("site.json", Manifests.site())
            #expect(try await fleet.opsapply("apply", servers, site).code == 0)
            _ = try await fleet.redisCommand("HSET", try await fleet.key("desired:Server:server2"), "generation", "x")
            try await body(fleet)
        }
    }

    @Test func `Commands that read everything name the damaged resource in one line, and read the others`() async throws
    {
        try await damaged { fleet in
            for command in [["get", "servers"], ["drift"], ["plan", "--no-observe"]] {
                let outcome = try await fleet.opsapply(arguments: command)
                #expect(outcome.code == 1, "what is said is not all there is: \(outcome)")
                #expect(outcome.errors.split(separator: "\n").count == 1, "\(command): \(outcome)")
                #expect(outcome.errors.contains("Server/server2"), "\(command): \(outcome)")
                #expect(outcome.output.contains("server1"), "\(command): \(outcome)")
            }
            #expect(try await fleet.opsapply("get", "servers").output.contains("Unreadable"))
            let apply = try await fleet.opsapply("apply", "\(fleet.folder)/site.json")
            #expect(apply.code == 0, "\(apply)")
        }
    }

    @Test func `A damaged resource can be described and deleted by its key`() async throws {
        try await damaged { fleet in
            let described = try await fleet.opsapply("describe", "server/server2")
            #expect(described.code == 1 && described.output.contains("Unreadable: "), "\(described)")
            let deleted = try await fleet.opsapply("delete", "server/server2", "--yes")
            #expect(deleted.code == 0 && deleted.output.contains("Server/server2 deleted"), "\(deleted)")
            #expect(try await fleet.opsapply("get", "servers").code == 0)
        }
    }

    @Test func `apply --wait does not wait for what is suspended, and says so`() async throws {
        try await TestFleet.with(controllers: 1) { fleet in
            let servers = try fleet.manifest("servers.json", Manifests.servers(["server1"]))
            func site(_ suspend: String) throws -> String {
                try fleet.manifest(
                    "site.json", Manifests.site().replacing("\"placement\"", with: "\(suspend) \"placement\""))
            }
            let suspended = try site("\"suspend\": { \"reason\": \"not yet\" },")
            let outcome = try await fleet.opsapply("apply", servers, suspended, "--wait", "--timeout", "20s")
            #expect(outcome.code == 0, "\(outcome)")
            #expect(outcome.errors.contains("not waited for: App/site: suspended"), "\(outcome)")
            let over = try site("\"suspend\": { \"reason\": \"past\", \"until\": \"2020-01-01T00:00:00Z\" },")
            let waited = try await fleet.opsapply("apply", over, "--wait", "--timeout", "20s")
            #expect(waited.code == 0 && !waited.errors.contains("not waited for"), "\(waited)")
            #expect(await isRepaired(fleet, within: .zero), "what is suspended no longer is waited for")
        }
    }
}
