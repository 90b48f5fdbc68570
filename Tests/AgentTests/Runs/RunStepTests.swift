// What the steps of a run do to a machine.

import Agent
import Glibc
import Model
import Testing

@Suite struct RunStepTests {
    @Test func `a command's output is handed on, and its exit code with its end`() throws {
        let bench = try RunBench()
        let active = ActiveRun(claim: RunBench.claim(RunBench.job([.shell("echo out; echo err >&2; pwd")])))
        let outcome = try #require(bench.runner.run(active))
        #expect(outcome.result == .done && outcome.exitCode == 0)
        #expect(active.feed.text == "out\nerr\n\(bench.root)\n")
        #expect(Disk.names(bench.folder.path + "/state/runs") == [])
    }

    @Test func `a command that fails says its exit code and its last line, and nothing after it is done`() throws {
        let bench = try RunBench()
        let outcome = try #require(bench.run(.shell("echo why; exit 3"), .shell("touch never")))
        #expect(outcome.error == "failed: step 1 of 2, sh: sh exited 3: why")
        #expect(outcome.exitCode == 3 && !Disk.exists(bench.root + "/never"))
        #expect(bench.run(RunBench.job([.shell("kill -9 $$")]), enqueuedAt: 2)?.exitCode == 137)
    }

    @Test func `what cannot be started says why`() throws {
        let bench = try RunBench()
        let error = bench.run(.command(RunCommand(command: ["no-such-program"])))?.error
        #expect(
            error?.hasPrefix("failed: step 1 of 1, no-such-program: there is no program no-such-program in") == true)
        let step = RunStep.command(RunCommand(command: ["true"], directory: "/none"))
        let folder = bench.run(RunBench.job([step]), enqueuedAt: 2)?.error
        #expect(folder?.hasSuffix("/root/none: No such file or directory") == true)
    }

    @Test func `a job's time is for all of its steps, a command's for itself, and what forks and hangs ends with it`()
        throws
    {
        let bench = try RunBench()
        let hangs = "sleep 1000 & echo $! > child; sleep 1000"
        #expect(
            bench.run(.shell(hangs, timeout: .milliseconds(200)))?.error
                == "failed: step 1 of 1, sh: sh had not ended after 0.2 seconds and was stopped")
        let child = try #require(Disk.text(bench.root + "/child").flatMap { Int32($0.dropLast()) })
        #expect(kill(child, 0) != 0 || ProcessTable.identity(of: child).map { !ProcessTable.runs($0) } == true)
        var job = RunBench.job([.shell("true"), .shell("sleep 1000")])
        job.timeout = .milliseconds(200)
        #expect(
            bench.run(job, enqueuedAt: 2)?.error
                == "failed: step 2 of 2, sh: sh had not ended after 0.2 seconds and was stopped")
    }

    @Test func `endless output fills neither the disk nor memory, and people are told that some is left out`() throws {
        let bench = try RunBench()
        let active = ActiveRun(
            claim: RunBench.claim(RunBench.job([.shell("exec yes", timeout: .milliseconds(600))])))
        _ = bench.runner.run(active)
        let text = active.feed.text
        #expect(text.utf8.count < 2 << 20 && text.contains("bytes left out …"))
        #expect(Disk.names(bench.folder.path + "/state/runs") == [])
    }

    @Test func `a character that is written in two parts arrives whole`() throws {
        let bench = try RunBench()
        let active = ActiveRun(
            claim: RunBench.claim(RunBench.job([.shell(#"printf 'a\303'; sleep 0.4; printf '\274b'; printf '\303'"#)])))
        _ = bench.runner.run(active)
        #expect(active.feed.text == "aüb\u{FFFD}")
    }

    @Test func `an output file is replaced whole when the command ended well, and otherwise stays as it was`() throws {
        let bench = try RunBench()
        Disk.write("old", to: bench.root + "/dump")
        let bad = bench.run(.shell("echo half; echo no >&2; exit 1", output: "/dump"))
        #expect(bad?.error == "failed: step 1 of 1, sh: sh exited 1: no")
        #expect(Disk.text(bench.root + "/dump") == "old" && Disk.names(bench.root) == ["dump"])
        #expect(bench.run(RunBench.job([.shell("echo new", output: "/dump")]), enqueuedAt: 2)?.result == .done)
        #expect(Disk.text(bench.root + "/dump") == "new\n" && Disk.names(bench.root) == ["dump"])
        #expect(Disk.mode(bench.root + "/dump") == 0o600)
        let nowhere = bench.run(RunBench.job([.shell("true", output: "/none/dump")]), enqueuedAt: 3)
        #expect(nowhere?.error?.contains("/root/none: No such file or directory") == true)
    }

    @Test func `an input file is read, and only a file`() throws {
        let bench = try RunBench()
        Disk.write("in\n", to: bench.root + "/in")
        #expect(bench.run(.shell("cat", input: "/in", output: "/out"))?.result == .done)
        #expect(Disk.text(bench.root + "/out") == "in\n")
        mkfifo(bench.root + "/fifo", 0o600)
        let fifo = bench.run(RunBench.job([.shell("cat", input: "/fifo")]), enqueuedAt: 2)
        #expect(fifo?.error == "failed: step 1 of 1, sh: /fifo is no file to read from: Invalid argument")
        // Without one there is nothing to read.
        #expect(bench.run(RunBench.job([.shell("cat")]), enqueuedAt: 3)?.result == .done)
    }

    @Test func `what is proven before is not done, and what is not proven after is not believed`() throws {
        let bench = try RunBench()
        let step = RunStep.shell("printf x >> count; touch made", creates: "/made")
        #expect(bench.run(step)?.result == .done && bench.run(RunBench.job([step]), enqueuedAt: 2)?.result == .done)
        #expect(bench.count == 1)
        let never = bench.run(RunBench.job([.shell("true", unless: ["false"])]), enqueuedAt: 3)
        #expect(never?.error == "failed: step 1 of 1, sh: sh ended well, and still false does not end with 0")
        let done = bench.run(RunBench.job([.shell("printf x >> count", unless: ["true"])]), enqueuedAt: 4)
        #expect(done?.result == .done && bench.count == 1)
    }

    @Test func `the newest files that match stay, whatever else is there`() throws {
        let bench = try RunBench()
        let folder = bench.root + "/backups"
        Disk.makeFolders(folder + "/shop-9.sql.d")
        for name in ["shop-1.sql", "shop-2.sql", "shop-3.sql", "other-1.sql", ".shop-0.sql"] {
            Disk.write(name, to: "\(folder)/\(name)")
        }
        symlink("shop-3.sql", folder + "/shop-0.sql")
        let active = ActiveRun(
            claim: RunBench.claim(
                RunBench.job([.keep(KeepRule(count: 2, folder: "/backups", pattern: "shop-*.sql"))])))
        #expect(bench.runner.run(active)?.result == .done)
        #expect(active.feed.text == "removed /backups/shop-1.sql\n")
        #expect(
            Disk.names(folder) == [
                ".shop-0.sql", "other-1.sql", "shop-0.sql", "shop-2.sql", "shop-3.sql", "shop-9.sql.d",
            ])
    }

    @Test func `a link does not lead a keep step out of the root`() throws {
        let bench = try RunBench()
        Disk.makeFolders(bench.folder.path + "/outside")
        for name in ["a", "b"] { Disk.write(name, to: bench.folder.path + "/outside/\(name)") }
        symlink(bench.folder.path + "/outside", bench.root + "/link")
        symlink("../outside", bench.root + "/up")
        for folder in ["/link", "/up", "/../outside"] {
            let outcome = bench.run(
                RunBench.job([.keep(KeepRule(count: 1, folder: folder, pattern: "*"))]),
                enqueuedAt: Int64(folder.utf8.count))
            #expect(outcome?.error?.contains("No such file or directory") == true)
        }
        #expect(Disk.names(bench.folder.path + "/outside") == ["a", "b"])
    }

    @Test func `a pattern's star is any run of characters`() {
        for (pattern, name) in [
            ("*", "a"), ("a*", "a"), ("a*c", "abbc"), ("*b*", "abc"), ("a*b*c", "aXbYbZc"), ("a", "a"),
        ] {
            #expect(NamePattern.matches(pattern, name))
        }
        for (pattern, name) in [("a", "ab"), ("a*c", "ab"), ("", "a"), ("*b", "abc"), ("a*a", "a")] {
            #expect(!NamePattern.matches(pattern, name))
        }
    }

    @Test func `a service is started anew, and one that is not here is said to be not here`() throws {
        let bench = try RunBench()
        let key = ServiceKey(InstanceID(app: "webapp", server: "server1"), "sleeper")
        let spec = ServiceSpec(command: ["sleep", "1000"])
        let supervisor = bench.machine.supervisor
        try supervisor.ensure(
            key, ServiceRun(spec: spec, run: "aaaaaaaaaaaa", load: "bbbbbbbbbbbb"), giveUp: GiveUp())
        defer { try? supervisor.remove(key) }
        let first = try #require(supervisor.record(key)?.process)
        #expect(bench.run(.restart(app: "webapp", services: []))?.result == .done)
        let second = try #require(supervisor.record(key)?.process)
        #expect(first != second && !ProcessTable.runs(first) && ProcessTable.runs(second))
        #expect(supervisor.value(key) == FieldValue.running(run: "aaaaaaaaaaaa", load: "bbbbbbbbbbbb"))
        let service = bench.run(RunBench.job([.restart(app: "webapp", services: ["x"])]), enqueuedAt: 2)
        #expect(
            service?.error == "dead: step 1 of 1, restart webapp: webapp has no service x on server1, but sleeper")
        let app = bench.run(RunBench.job([.restart(app: "shop", services: [])]), enqueuedAt: 3)
        #expect(app?.error == "dead: step 1 of 1, restart shop: shop has no services on server1")
    }

    @Test func `packages are upgraded only where the root has its own`() throws {
        let bench = try RunBench()
        #expect(
            bench.run(.upgrade(packages: ["nginx"]))?.error
                == "dead: step 1 of 1, upgrade: \(bench.root) shares the packages of its host: "
                + "only there can they be upgraded")
    }

    @Test func `texts are templates only in jobs with values`() throws {
        let bench = try RunBench()
        let text = "${app.name} ${config.port} ${server.name} ${server.root} ${server.address} ${run.id} ${run.time}"
        var job = RunBench.job([.command(RunCommand(command: ["printf", "%s", text], output: "/${run.id}.txt"))])
        job.values = [
            "app.name": "shop", "config.port": "80", "server.address": "127.0.0.1", "run.time": "20261128T020000Z",
        ]
        #expect(bench.run(job)?.result == .done)
        #expect(Disk.text(bench.root + "/j.txt") == "shop 80 server1 \(bench.root) 127.0.0.1 j 20261128T020000Z")
        job.values = [:]
        #expect(bench.run(job, enqueuedAt: 2)?.error?.hasPrefix("dead: step 1 of 1: ${app.name} is not known") == true)
        let plain = RunBench.job([.shell("echo $$ > pid; test \"${HOME}\" = /root", output: "/plain")])
        #expect(bench.run(plain, enqueuedAt: 3)?.result == .done)
    }

    @Test func `after its deadline a job is not begun, and what is under way then is stopped`() throws {
        let bench = try RunBench()
        var job = RunBench.job([.shell("printf x >> count; sleep 1000")], attempts: 5)
        job.deadline = Timestamp(milliseconds: 1_790_000_000_000)
        let text = "its deadline passed at 2026-09-21T14:13:20.000Z"
        let late = ActiveRun(claim: RunBench.claim(job), deadline: .now)
        #expect(bench.runner.run(late)?.error == "dead: step 1 of 1, sh: \(text)")
        #expect(bench.count == 0)
        let under = ActiveRun(claim: RunBench.claim(job, enqueuedAt: 2), deadline: .now + .milliseconds(300))
        #expect(bench.runner.run(under)?.error == "dead: step 1 of 1, sh: \(text): it was stopped")
        #expect(bench.count == 1)
    }

    @Test func `a program that cannot be started leaves nothing in the state folder`() throws {
        let bench = try RunBench()
        let job = RunBench.job([.shell("true"), .command(RunCommand(command: ["true"], user: "nobody-of-that-name"))])
        #expect(bench.run(job)?.error?.contains("nobody-of-that-name") == true)
        #expect(Disk.names(bench.folder.path + "/state/runs") == [])
    }
}
