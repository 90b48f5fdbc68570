// What the guide says that an agent must be allowed in Redis, is enough.

import TestRedis
import Testing

@Suite(.timeLimit(.minutes(3))) struct AccessTests {
    /// The words of the command in the guide, which is broken into lines there.
    private static func guideCommand() -> [String] {
        let lines = readText("\(Programs.sources)/docs/guide.md").split(
            separator: "\n", omittingEmptySubsequences: false)
        guard let first = lines.firstIndex(where: { $0.hasPrefix("    ACL SETUSER ") }) else { return [] }
        let rest = lines[(first + 1)...].prefix { $0.hasPrefix("      ") }
        return ([lines[first]] + rest).flatMap { $0.split(separator: " ") }.map(String.init)
    }

    @Test func `An agent needs no more of Redis than the guide gives it`() async throws {
        let command = Self.guideCommand()
        #expect(command.count > 20)
        try await TestFleet.with(controllers: 1, servers: []) { fleet in
            let words = ["redis-cli", "-s", fleet.redis.socketPath] + command
            #expect(try await Programs.run(words, folder: fleet.folder).output == "OK\n")
            try fleet.startAgent("server1", at: "unix://agent-server1:PASSWORD@\(fleet.redis.socketPath)")
            let servers = try fleet.manifest("servers.json", Manifests.servers(["server1"]))
            let site = try fleet.manifest("site.json", Manifests.site())
            let slow = try fleet.manifest("slow.json", Manifests.slow)
            let applied = try await fleet.opsapply("apply", servers, site, slow, "--wait", "--timeout", "60s")
            #expect(applied.code == 0, "\(applied)\n\(fleet.logs)")
            try fleet.write(fleet.root("server1") + "/srv/site/index.html", "by hand")
            #expect(await eventually { fleet.text("server1", "/srv/site/index.html") == "hello from server1\n" })
            let deleted = try await fleet.opsapply("delete", "app/site", "--yes", "--wait", "--timeout", "60s")
            #expect(deleted.code == 0, "\(deleted)\n\(fleet.logs)")
            let own = try await fleet.opsapply("run", "--on", "server1", "--", "echo", "hello")
            #expect(own.code == 0 && own.output == "hello\n", "\(own)\n\(fleet.logs)")
            let any = try await fleet.opsapply("run", "--selector", "role=web", "--any", "1", "--", "echo", "hello")
            #expect(any.code == 0 && any.output == "hello\n", "\(any)\n\(fleet.logs)")
            let refused = try await fleet.redisCommand("ACL", "LOG")
            #expect(refused.split(separator: "\n").isEmpty, "\(refused)")
        }
    }
}
