// Effects once, or said to be in doubt: redelivered jobs, further attempts, and lives of the agent that end in the middle.

import Agent
import Glibc
import Model
import TestRedis
import Testing

@Suite struct RunJournalTests {
    private static let counting = RunStep.shell("printf x >> count; exit $(cat code)")

    /// Counts, and goes on until the test lets it.
    private static func waiting(_ bench: RunBench, then code: Int = 0) -> RunStep {
        .shell("printf x >> count; \(ExecutorTests.wait(in: bench.root)); echo late; exit \(code)")
    }

    /// Runs a job until its program has begun, then ends the agent's life over it.
    private static func cutOff(_ bench: RunBench, _ job: RunJob) async throws -> ProcessIdentity {
        let active = ActiveRun(claim: RunBench.claim(job))
        let task = bench.begin(active)
        try #require(await eventually { bench.count == 1 })
        active.control.stop(.giveUp)
        #expect(await task.value == nil)
        return try #require(bench.runs.open.values.first?.process)
    }

    @Test func `a job whose acknowledgement was lost is answered from the journal without effects`() throws {
        let bench = try RunBench()
        Disk.write("0", to: bench.root + "/code")
        let job = RunBench.job([Self.counting])
        #expect(bench.run(job)?.result == .done)
        let later = try bench.nextLife()
        #expect(later.run(job)?.result == .done)
        let again = later.run(job, attempt: 2)
        #expect(again?.result == .done && again?.exitCode == 0 && bench.count == 1)
    }

    @Test func `a failure is tried again as long as attempts are left, and answered once they are used up`() throws {
        let bench = try RunBench()
        Disk.write("3", to: bench.root + "/code")
        let job = RunBench.job([Self.counting], attempts: 2)
        let error = "failed: step 1 of 1, sh: sh exited 3"
        #expect(bench.run(job)?.error == error && bench.count == 1)
        // The same attempt, told again.
        #expect(bench.run(job)?.error == error && bench.count == 1)
        #expect(bench.run(job, attempt: 2)?.error == error && bench.count == 2)
        let third = try bench.nextLife().run(job, attempt: 3)
        #expect(third?.error == error && third?.exitCode == 3 && bench.count == 2)
    }

    @Test func `a job that a person retries is another job`() throws {
        let bench = try RunBench()
        Disk.write("0", to: bench.root + "/code")
        let job = RunBench.job([Self.counting])
        #expect(bench.run(job)?.result == .done && bench.run(job, enqueuedAt: 2)?.result == .done)
        #expect(bench.count == 2)
    }

    @Test(arguments: [0, 3])
    func `how a program ended that outlived its agent is known exactly, and it is not run again`(code: Int) async throws
    {
        let bench = try RunBench()
        let before = RunStep.shell("printf y >> before")
        let job = RunBench.job([before, Self.waiting(bench, then: code), .shell("touch after")])
        let process = try await Self.cutOff(bench, job)
        #expect(ProcessTable.runs(process))
        let later = try bench.nextLife()
        let active = ActiveRun(claim: RunBench.claim(job, attempt: 2))
        let task = later.begin(active)
        Disk.write("", to: bench.root + "/go")
        let outcome = try #require(await task.value)
        #expect(outcome.error == (code == 0 ? nil : "failed: step 2 of 3, sh: sh exited 3: late"))
        #expect(bench.count == 1 && Disk.text(bench.root + "/before") == "y")
        #expect(Disk.exists(bench.root + "/after") == (code == 0))
        #expect(active.feed.text == "… the agent was restarted …\nlate\n")
    }

    @Test func `how a program ended while no agent was there is known exactly, and its output becomes the file`()
        async throws
    {
        let bench = try RunBench()
        let script = "printf x >> count; \(ExecutorTests.wait(in: bench.root)); echo whole; echo unseen >&2"
        let job = RunBench.job([.shell(script, output: "/dump")])
        let process = try await Self.cutOff(bench, job)
        Disk.write("", to: bench.root + "/go")
        #expect(await eventually { !ProcessTable.runs(process) })
        #expect(!Disk.exists(bench.root + "/dump"))
        let later = try bench.nextLife()
        let active = ActiveRun(claim: RunBench.claim(job, attempt: 2))
        #expect(await later.begin(active).value?.result == .done)
        #expect(active.feed.text == "… the agent was restarted …\nunseen\n")
        #expect(bench.count == 1 && Disk.text(bench.root + "/dump") == "whole\n")
        #expect(Disk.names(bench.folder.path + "/state/runs") == [])
        #expect(Disk.names(bench.root) == ["count", "dump", "go"])
    }

    @Test func `what a program writes while no agent is there follows what the store has of it`() async throws {
        let bench = try RunBench()
        let job = RunBench.job([
            .shell("echo early; printf x >> count; \(ExecutorTests.wait(in: bench.root)); echo unseen")
        ])
        let first = ActiveRun(claim: RunBench.claim(job))
        let task = bench.begin(first)
        var sent = ""
        #expect(
            await eventually {
                sent += first.feed.text
                return sent == "early\n"
            })
        let folder = bench.folder.path + "/state/runs/"
        let mark = try #require(Disk.names(folder).first { $0.hasSuffix(".sent") })
        #expect(await eventually { Disk.text(folder + mark)?.utf8.first == 6 })
        first.control.stop(.giveUp)
        #expect(await task.value == nil)
        let process = try #require(bench.runs.open.values.first?.process)
        // A life in which it wrote nothing forgets nothing.
        let quiet = ActiveRun(claim: RunBench.claim(job))
        let second = try bench.nextLife().begin(quiet)
        #expect(await eventually { quiet.feed.text == "… the agent was restarted …\n" })
        #expect(quiet.feed.arrived == 6)
        quiet.control.stop(.giveUp)
        #expect(await second.value == nil)
        Disk.write("", to: bench.root + "/go")
        #expect(await eventually { !ProcessTable.runs(process) })
        let next = ActiveRun(claim: RunBench.claim(job))
        #expect(try await bench.nextLife().begin(next).value?.result == .done)
        #expect(next.feed.text == "… the agent was restarted …\nunseen\n")
        #expect(Disk.names(folder) == [])
    }

    @Test func `what a program left in the background goes on, and does not fill the disk`() async throws {
        let bench = try RunBench()
        let script = "yes & echo $! > pid"
        #expect(bench.run(.shell(script))?.result == .done)
        let pid = try #require(Disk.text(bench.root + "/pid").flatMap { Int32($0.dropLast()) })
        let program = try #require(ProcessTable.identity(of: pid))
        defer { kill(pid, SIGKILL) }
        let left = bench.folder.path + "/state/left"
        #expect(Disk.names(left).count == 1 && Disk.names(bench.folder.path + "/state/runs") == [])
        let path = left + "/" + Disk.names(left)[0]
        #expect(await eventually { Disk.size(path) > LeftOutputs.longest })
        let state = try StateFolder(bench.folder.path + "/state")
        let sweeper = Task { await state.left.run() }
        // Emptied while it is written to.
        for _ in 0..<3 {
            #expect(await eventually { Disk.size(path) < LeftOutputs.longest && Disk.size(path) > 0 })
        }
        #expect(ProcessTable.runs(program))
        kill(pid, SIGKILL)
        #expect(await eventually { Disk.names(left) == [] })
        sweeper.cancel()
        await sweeper.value
    }

    @Test func `where nobody saw the end, a job that must not be repeated is in doubt, and what is left of it ends`()
        async throws
    {
        let bench = try RunBench()
        let script = "echo $$ > program; printf x >> count; \(ExecutorTests.wait(in: bench.root))"
        let job = RunBench.job([.shell(script)], attempts: 5)
        let monitor = try await Self.cutOff(bench, job)
        let pid = try #require(Disk.text(bench.root + "/program").flatMap { Int32($0.dropLast()) })
        let program = try #require(ProcessTable.identity(of: pid))
        // Only the monitor dies; the program goes on.
        kill(monitor.pid, SIGKILL)
        #expect(await eventually { !ProcessTable.runs(monitor) })
        #expect(ProcessTable.runs(program))
        let later = try bench.nextLife()
        let error =
            "dead: in doubt: step 1 of 1, sh, was begun and nobody saw its end; look, then "
            + "`opsapply jobs retry server1/j` does it once more"
        #expect(later.run(job, attempt: 2)?.error == error)
        #expect(!ProcessTable.runs(program))
        #expect(later.run(job, attempt: 3)?.error == error && bench.count == 1)
    }

    @Test func `where nobody saw the end, a job that may be repeated is`() async throws {
        let bench = try RunBench()
        let job = RunBench.job([Self.waiting(bench)], isRepeatable: true)
        let monitor = try await Self.cutOff(bench, job)
        kill(-monitor.pid, SIGKILL)
        #expect(await eventually { !ProcessTable.runs(monitor) })
        Disk.write("", to: bench.root + "/go")
        #expect(try bench.nextLife().run(job, attempt: 1)?.result == .done && bench.count == 2)
    }

    @Test func `where nobody saw the end, a proof that holds says that it was done`() async throws {
        let bench = try RunBench()
        let step = RunStep.shell(
            "printf x >> count; touch made; \(ExecutorTests.wait(in: bench.root))", creates: "/made")
        let job = RunBench.job([step])
        let monitor = try await Self.cutOff(bench, job)
        #expect(await eventually { Disk.exists(bench.root + "/made") })
        kill(-monitor.pid, SIGKILL)
        #expect(await eventually { !ProcessTable.runs(monitor) })
        #expect(try bench.nextLife().run(job, attempt: 1)?.result == .done && bench.count == 1)
    }

    @Test func `a job with more than one step goes on with the one that was cut off`() async throws {
        let bench = try RunBench()
        let job = RunBench.job([.shell("printf y >> before"), Self.waiting(bench)], isRepeatable: true)
        let monitor = try await Self.cutOff(bench, job)
        kill(-monitor.pid, SIGKILL)
        #expect(await eventually { !ProcessTable.runs(monitor) })
        Disk.write("", to: bench.root + "/go")
        #expect(try bench.nextLife().run(job, attempt: 1)?.result == .done)
        #expect(Disk.text(bench.root + "/before") == "y" && bench.count == 2)
    }

    @Test func `a run's entries outlive that the journal is written anew`() throws {
        let bench = try RunBench()
        let open = OpenRun(attempt: 2, step: 1, process: ProcessIdentity(pid: 7, startTime: 8, boot: "b"))
        let ended = EndedRun(attempt: 3, end: .dead, error: "why", exitCode: 4)
        let entries: [LedgerEntry] = [.runBegun(run: "a", open), .runEnded(run: "b", ended)]
        try bench.machine.ledger.append(entries)
        let read = Ledger.read(bench.machine.ledger.state.entries.flatMap { Ledger.line($0) }).state
        #expect(read == bench.machine.ledger.state && read.runs.open["a"] == open && read.runs.ended["b"] == ended)
    }
}
