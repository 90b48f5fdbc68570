// What the attempts of a job leave behind.

import Agent
import Glibc
import Model
import TestRedis
import Testing

@Suite struct JobRunnerTests {
    private static let id = InstanceID(app: "webapp", server: "server1")

    private static func job(_ field: DesiredField) -> Job {
        let step = Step(field: field.key, action: .run, from: nil, to: field.expectation.text, spec: field.spec)
        return Job(
            id: "j", kind: .apply, epoch: 1,
            plan: Plan(instance: id, generation: 1, digest: "d", revision: 0, round: 0, steps: [step]))
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
