// What many of these tests begin with and come back to: a server with one App on it that is Ready.

import Glibc
import TestRedis
import Testing

/// Applies the servers and the App `site`, and waits until it is Ready.
func bringUp(_ fleet: TestFleet, servers: [String] = ["server1"]) async throws {
    let servers = try fleet.manifest("servers.json", Manifests.servers(servers))
    let site = try fleet.manifest("site.json", Manifests.site())
    let outcome = try await fleet.opsapply("apply", servers, site, "--wait", "--timeout", "30s")
    try #require(outcome.code == 0, "\(outcome)\n\(fleet.logs)")
}

/// Whether the site's file is, or comes to be, as declared.
func isRepaired(
    _ fleet: TestFleet, _ server: String = "server1", greeting: String = "hello", within limit: Duration = .seconds(15)
) async -> Bool {
    await eventually(within: limit) { fleet.text(server, "/srv/site/index.html") == "\(greeting) from \(server)\n" }
}

/// Lets time pass in which something must not happen.
func letPass(_ time: Duration) async {
    let started = ContinuousClock.now
    _ = await eventually(within: time * 2) { ContinuousClock.now - started > time }
}
