// `opsapply up`: a whole fleet from one command, and nothing left of it after an interrupt.

import Glibc
import TestRedis
import Testing

@Suite(.timeLimit(.minutes(3))) struct UpTests {
    @Test func `up brings what is declared to Ready, and an interrupt leaves no process behind`() async throws {
        let folder = try makeFolder()
        defer {
            for pid in TestFleet.processes(naming: folder) { kill(pid, SIGKILL) }
            _ = removeFolder(folder)
        }
        for (name, text) in [("servers.json", Manifests.servers(["server1"])), ("site.json", Manifests.site())] {
            let file = try #require(fopen("\(folder)/\(name)", "w"))
            fputs(text, file)
            fclose(file)
        }
        let said = "\(folder)/up.err"
        let pid = try ServerProcess.start(
            [
                Programs.path("opsapply"), "up", "\(folder)/servers.json", "\(folder)/site.json", "--state",
                "\(folder)/state", "--controllers", "2", "--timeout", "60s",
            ], output: "\(folder)/up.out", errors: said)
        let isUp = await eventually(within: .seconds(90)) { readText(said).contains("processes are up") }
        #expect(isUp, "\(readText(said))")
        #expect(readText("\(folder)/state/servers/server1/root/srv/site/index.html") == "hello from server1\n")
        let apps = try await Programs.run(
            [Programs.path("opsapply"), "get", "apps"],
            environment: ["OPS_REDIS_URL": "unix://\(folder)/state/redis.sock"], folder: folder)
        #expect(apps.output.contains("Ready"), "\(apps)")
        #expect(TestFleet.processes(naming: folder).count >= 5, "Redis, two controllers, an agent, the service")
        kill(pid, SIGINT)
        var code: Int32?
        _ = await eventually(within: .seconds(40)) {
            code = ServerProcess.exitCode(pid)
            return code != nil
        }
        #expect(code == 0, "\(readText(said))")
        #expect(TestFleet.processes(naming: folder).isEmpty, "\(readText(said))")
    }
}
