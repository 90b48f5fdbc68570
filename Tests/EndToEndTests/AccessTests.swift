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
        try await PrivateRedis.with { try await Self.judge(at: $0.url, [$0]) }
    }

    @Test func `It needs no more of a cluster`() async throws {
        try await PrivateCluster.with { try await Self.judge(at: $0.url, $0.nodes.map(\.server)) }
    }

    @Test func `It needs no more behind Sentinel, and people need no more than the guide gives them`() async throws {
        try await PrivateSentinel.with { service in
            try await Self.judge(at: service.url, [service.primary])
            let guide = readText("\(Programs.sources)/docs/guide.md")
            let rights = try #require(guide.split(separator: "`").first { $0.hasPrefix("~ops:* &ops:* ") })
            let command =
                ["ACL", "SETUSER", "alice", "on", ">PASSWORD"] + rights.split(separator: " ").map(String.init)
            #expect(try await service.primary.ask(command) == "OK")
            let url = service.url.replacing("://", with: "://alice:PASSWORD@")
            let outcome = try await Programs.run(
                [Programs.path("opsapply"), "get", "servers", "--redis", url], folder: service.sentinel.folder)
            #expect(outcome.code == 0, "\(outcome)")
        }
    }

    private static func judge(at url: String, _ servers: [PrivateRedis]) async throws {
        let command = Self.guideCommand()
        #expect(command.count > 20)
        try await TestFleet.with(controllers: 1, servers: [], at: url, servers[0]) { fleet in
            for server in servers { #expect(try await server.ask(command) == "OK") }
            try fleet.startAgent("server1", at: url.replacing("://", with: "://agent-server1:PASSWORD@"))
            let declared = try fleet.manifest("servers.json", Manifests.servers(["server1"]))
            let site = try fleet.manifest("site.json", Manifests.site())
            let slow = try fleet.manifest("slow.json", Manifests.slow)
            let applied = try await fleet.opsapply("apply", declared, site, slow, "--wait", "--timeout", "60s")
            #expect(applied.code == 0, "\(applied)\n\(fleet.logs)")
            try fleet.write(fleet.root("server1") + "/srv/site/index.html", "by hand")
            #expect(await eventually { fleet.text("server1", "/srv/site/index.html") == "hello from server1\n" })
            let deleted = try await fleet.opsapply("delete", "app/site", "--yes", "--wait", "--timeout", "60s")
            #expect(deleted.code == 0, "\(deleted)\n\(fleet.logs)")
            let own = try await fleet.opsapply("run", "--on", "server1", "--", "echo", "hello")
            #expect(own.code == 0 && own.output == "hello\n", "\(own)\n\(fleet.logs)")
            let any = try await fleet.opsapply("run", "--selector", "role=web", "--any", "1", "--", "echo", "hello")
            #expect(any.code == 0 && any.output == "hello\n", "\(any)\n\(fleet.logs)")
            for server in servers { #expect(try await server.ask("ACL", "LOG") == "") }
        }
    }
}
