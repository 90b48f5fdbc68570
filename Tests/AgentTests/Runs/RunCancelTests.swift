// A cancelled job ends at once, with all that it started.

import Agent
import Glibc
import Model
import TestRedis
import Testing

@Suite struct RunCancelTests {
    private static func processes(_ bench: RunBench) -> [ProcessIdentity] {
        ["leader", "child"].compactMap { name in
            Disk.text("\(bench.root)/\(name)").flatMap { Int32($0.dropLast()) }.flatMap {
                ProcessTable.identity(of: $0)
            }
        }
    }

    @Test func `TERM reaches the program and its children at once`() async throws {
        let bench = try RunBench()
        let step = RunStep.shell("echo $$ > leader; sh -c 'echo $$ > child; exec sleep 1000' & wait")
        let active = ActiveRun(claim: RunBench.claim(RunBench.job([step], attempts: 5)))
        let task = bench.begin(active)
        try #require(await eventually { Self.processes(bench).count == 2 })
        let processes = Self.processes(bench)
        let start = ContinuousClock.now
        active.control.stop(.cancel)
        #expect(await eventually { !processes.contains { ProcessTable.runs($0) } })
        // 100 ms is the aim on a machine with nothing else to do.
        #expect(ContinuousClock.now - start < .seconds(1))
        #expect(await task.value?.result == .cancelled)
        #expect(bench.runs.ended.values.first?.end == .cancelled)
        #expect(try bench.nextLife().run(active.claim.job, attempt: 2)?.result == .cancelled)
    }

    @Test func `what does not hear TERM gets KILL, its children too`() async throws {
        let bench = try RunBench()
        let step = RunStep.shell(
            "trap '' TERM; echo $$ > leader; sh -c 'trap \"\" TERM; echo $$ > child; while :; do sleep 1; done' & "
                + "while :; do sleep 1; done")
        let active = ActiveRun(claim: RunBench.claim(RunBench.job([step])))
        let task = bench.begin(active)
        try #require(await eventually { Self.processes(bench).count == 2 })
        let processes = Self.processes(bench)
        active.control.stop(.cancel)
        #expect(await task.value?.result == .cancelled)
        #expect(!processes.contains { ProcessTable.runs($0) })
    }

    @Test func `what an earlier life began is stopped where somebody wanted its end meanwhile`() async throws {
        let bench = try RunBench()
        let job = RunBench.job([.shell("echo $$ > leader; exec sleep 1000")])
        let first = ActiveRun(claim: RunBench.claim(job))
        let task = bench.begin(first)
        try #require(await eventually { Self.processes(bench).count == 1 })
        let processes = Self.processes(bench)
        first.control.stop(.giveUp)
        #expect(await task.value == nil)
        let second = ActiveRun(claim: RunBench.claim(job, attempt: 2))
        second.control.stop(.cancel)
        #expect(try bench.nextLife().runner.run(second)?.result == .cancelled)
        #expect(!processes.contains { ProcessTable.runs($0) })
    }

    @Test func `what is cancelled before it began is not begun`() throws {
        let bench = try RunBench()
        let active = ActiveRun(claim: RunBench.claim(RunBench.job([.shell("printf x >> count")])))
        active.control.stop(.cancel)
        #expect(bench.runner.run(active)?.result == .cancelled && bench.count == 0)
    }
}
