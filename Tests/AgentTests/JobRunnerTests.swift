// What the attempts of a job leave behind.

import Agent
import Glibc
import Model
import TestRedis
import Testing

@Suite struct JobRunnerTests {
    private static let id = InstanceID(app: "webapp", server: "server1")

    private static func job(_ fields: DesiredField...) -> Job {
        let steps = fields.map {
            Step(field: $0.key, action: .run, from: nil, to: $0.expectation.text, spec: $0.spec)
        }
        return Job(
            id: "j", kind: .apply, epoch: 1,
            plan: Plan(instance: id, generation: 1, digest: "d", revision: 0, round: 0, steps: steps))
    }

    @Test func `output goes with its attempt, and what is known of a job with its last one`() throws {
        let folder = Folder()
        let machine = try TestMachine.make(in: folder)
        let runner = JobRunner(drivers: Drivers(machine: machine), table: ObservedTable(), server: "server1")
        let job = Self.job(.command("c", ["sh", "-c", "echo why; exit 3"], creates: "/never"))
        let error = "step 1 of 1, command:c: sh exited 3: why"
        for attempt in 1...Job.maximumAttempts {
            let outcome = try #require(runner.run(job, attempt: attempt, giveUp: GiveUp()))
            guard case .failed(error, _) = outcome.result else {
                Issue.record("\(outcome)")
                return
            }
            #expect(Disk.names(folder.path + "/state/output") == [])
            #expect(machine.ledger.state.begun.isEmpty == (attempt == Job.maximumAttempts))
        }
        #expect(machine.ledger.state.ended["j-1"]?.error == error)
    }

    @Test func `what an earlier life left running is waited for before any step is done again`() throws {
        let folder = Folder()
        let machine = try TestMachine.make(in: folder)
        let runner = JobRunner(drivers: Drivers(machine: machine), table: ObservedTable(), server: "server1")
        let left = try #require(Disk.start(["/bin/sleep", "1000"]))
        defer { kill(left.pid, SIGKILL) }
        try machine.ledger.append([.begun(job: "j-1", step: 1), .process(job: "j-1", left)])
        let job = Self.job(
            .command("a", ["sh", "-c", "touch \(folder.path)/log"], creates: "/never"),
            .command("b", ["true"], creates: "/never", timeout: .milliseconds(100)))
        let outcome = runner.run(job, attempt: 2, giveUp: GiveUp())
        #expect(outcome?.error == "step 2 of 2, command:b: no end after 0.1 seconds: it was stopped")
        #expect(!Disk.exists(folder.path + "/log"))
        #expect(!ProcessTable.runs(left))
    }

    @Test func `a step that starts a process again is the one that the journal has it for`() throws {
        let folder = Folder()
        let machine = try TestMachine.make(in: folder)
        let runner = JobRunner(drivers: Drivers(machine: machine), table: ObservedTable(), server: "server1")
        // An earlier attempt came as far as the second step.
        try machine.ledger.append([.begun(job: "j-1", step: 1)])
        let job = Self.job(
            .command("a", ["sh", "-c", "exit 3"], creates: "/never"), .command("b", ["true"], creates: "/never"))
        #expect(runner.run(job, attempt: 2, giveUp: GiveUp())?.error == "step 1 of 2, command:a: sh exited 3")
        #expect(machine.ledger.state.begun["j-1"] == 0 && machine.ledger.state.processes["j-1"] != nil)
    }

    @Test func `output of jobs that are not open is removed when an agent begins, that of others is kept`() async throws
    {
        let stage = try await Stage()
        let output = stage.state + "/output"
        Disk.makeFolders(output)
        for name in ["open-1", "gone-1"] { Disk.write("text\n", to: "\(output)/\(name)") }
        try Ledger(path: stage.state + "/journal").append([.begun(job: "open-1", step: 0)])
        try await stage.withAgent { () async throws in
            #expect(Disk.names(output) == ["open-1"])
        }
    }
}
