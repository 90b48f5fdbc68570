// What a person asks, agrees to and takes back on the command line: nothing is said that is not so.

import Glibc
import TestRedis
import Testing

@Suite(.timeLimit(.minutes(5))) struct PersonTests {
    @Test func `A dry run of --prune says what would hold it back, and nothing is confirmed where nothing is held`()
        async throws
    {
        try await TestFleet.with(controllers: 0, servers: []) { fleet in
            let servers = try fleet.manifest(
                "servers.json", Manifests.servers((1...5).map { "server\($0)" }))
            let site = try fleet.manifest("site.json", Manifests.site())
            #expect(try await fleet.opsapply("apply", servers, site).code == 0)
            let dry = try await fleet.opsapply("apply", site, "--prune", "--dry-run")
            #expect(dry.code == 0 && dry.output.contains("Server/server3 deleted (dry run)"), "\(dry)")
            #expect(dry.errors.contains("--prune would delete 5 of 6 resources"), "\(dry)")
            #expect(dry.errors.contains("--confirm-removal"), "\(dry)")
            let held = try await fleet.opsapply("apply", site, "--prune", "--yes")
            #expect(held.code == 1 && held.errors.contains("nothing is written"), "\(held)")
            for name in ["app/site", "server/server1"] {
                let confirmed = try await fleet.opsapply("confirm", name)
                #expect(confirmed.output.contains("nothing is held back"), "\(confirmed)")
            }
            let pruned = try await fleet.opsapply("apply", site, "--prune", "--yes", "--confirm-removal")
            #expect(pruned.code == 0 && pruned.output.contains("Server/server3 deleted"), "\(pruned)")
        }
    }

    @Test func `What is left of a deleted App on a dead server is told, and its jobs stay within reach`() async throws {
        try await TestFleet.with(controllers: 1) { fleet in
            try await bringUp(fleet)
            #expect(try await fleet.opsapply("describe", "app/site").output.contains("site@server1"))
            try await fleet.silence(agentOf: "server1")
            #expect(try await fleet.opsapply("delete", "app/site", "--yes").code == 0)
            var told = Outcome(code: -1, output: "", errors: "")
            let isTold = try await eventually(within: .seconds(15)) {
                told = try await fleet.opsapply("describe", "site")
                return told.output.contains("server1 does not report")
            }
            #expect(isTold && told.output.contains("Deleted: 1 instance not removed yet"), "\(told)")
            #expect(try await fleet.opsapply("delete", "server/server1", "--yes").code == 0)
            let jobs = try await fleet.opsapply("jobs", "server1", "-o", "name")
            #expect(jobs.code == 0 && !jobs.output.isEmpty, "\(jobs)")
        }
    }

    @Test func `drift server/site does not mean the App of that name`() async throws {
        try await TestFleet.with(controllers: 0, servers: []) { fleet in
            let servers = try fleet.manifest("servers.json", Manifests.servers(["site", "server2"]))
            let site = try fleet.manifest("site.json", Manifests.site())
            #expect(try await fleet.opsapply("apply", servers, site).code == 0)
            let drift = try await fleet.opsapply("drift", "server/site", "-o", "csv")
            #expect(drift.output.contains("site@site") && !drift.output.contains("site@server2"), "\(drift)")
            #expect(try await fleet.opsapply("drift", "app/site", "-o", "csv").output.contains("site@server2"))
        }
    }

    @Test func `A job that is tried again says why, and a retry tries it at once`() async throws {
        try await TestFleet.with(controllers: 1) { fleet in
            try await bringUp(fleet)
            let nothing = try await fleet.opsapply("retry", "app/site")
            #expect(nothing.code == 0 && nothing.errors.contains("nothing of app/site waits"), "\(nothing)")
            // A folder stands where the file should be.
            let page = fleet.root("server1") + "/srv/site/index.html"
            unlink(page)
            mkdir(page, 0o755)
            mkdir(page + "/full", 0o755)
            var listed = Outcome(code: -1, output: "", errors: "")
            let isTold = try await eventually(within: .seconds(20)) {
                listed = try await fleet.opsapply("get", "instances")
                return listed.output.contains("the last try failed: ") || listed.output.contains("next try at")
            }
            #expect(isTold, "\(listed)\n\(fleet.logs)")
            rmdir(page + "/full")
            rmdir(page)
            _ = try await fleet.opsapply("retry", "site@server1")
            #expect(await isRepaired(fleet), "\(fleet.logs)")
        }
    }

    @Test(arguments: ["bash", "zsh", "fish"])
    func `There are completions for each shell`(_ shell: String) async throws {
        let folder = try makeFolder()
        defer { _ = removeFolder(folder) }
        let script = try await Programs.run(
            [Programs.path("opsapply"), "--generate-completion-script", shell], folder: folder)
        #expect(script.code == 0 && script.output.contains("opsapply"), "\(script)")
        guard shell == "bash", let file = fopen("\(folder)/completion", "w") else { return }
        fputs(script.output, file)
        fclose(file)
        let check = try await Programs.run(["bash", "-n", "\(folder)/completion"], folder: folder)
        #expect(check.code == 0, "\(check)")
    }
}
