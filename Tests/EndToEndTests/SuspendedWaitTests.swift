// `apply --wait` where what is applied is on servers that are suspended: nothing is done there, so nothing is waited for.

import TestRedis
import Testing

@Suite(.timeLimit(.minutes(3))) struct SuspendedWaitTests {
    @Test func `apply --wait does not wait for the instances on a suspended Server, and says so`() async throws {
        try await TestFleet.with(controllers: 1) { fleet in
            let servers = try fleet.manifest(
                "servers.json",
                Manifests.servers(["server1"]).replacing(
                    "\"address\"", with: "\"suspend\": { \"reason\": \"moving racks\" }, \"address\""))
            let site = try fleet.manifest("site.json", Manifests.site())
            #expect(try await fleet.opsapply("apply", servers).code == 0)
            let outcome = try await fleet.opsapply("apply", site, "--wait", "--timeout", "20s")
            #expect(outcome.code == 0, "\(outcome)")
            #expect(outcome.errors.contains("App/site  1 Suspended: what is suspended is not waited for"), "\(outcome)")
            let asked = try await fleet.opsapply("wait", "app/site", "--timeout", "1s")
            #expect(asked.code == 3, "who asks for Ready by name waits for it: \(asked)")
        }
    }
}
