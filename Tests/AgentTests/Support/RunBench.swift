// Runs done one by one on the calling thread, in a temporary root, without a queue.

import Agent
import Glibc
import Model

final class RunBench: Sendable {
    let folder: Folder
    let machine: Machine
    let runner: RunRunner

    var root: String { folder.path + "/root" }
    var runs: RunLedger { machine.ledger.state.runs }

    convenience init() throws { try self.init(in: Folder()) }

    private init(in folder: Folder) throws {
        self.folder = folder
        machine = try TestMachine.make(in: folder)
        runner = RunRunner(machine: machine, server: "server1")
    }

    /// A later life of the agent over the same root and state.
    func nextLife() throws -> RunBench { try RunBench(in: folder) }

    static func claim(_ job: RunJob, attempt: Int = 1, enqueuedAt: Int64 = 1) -> RunClaim {
        RunClaim(
            queue: .server("server1"), job: job, enqueuedAt: Timestamp(milliseconds: enqueuedAt), attempt: attempt,
            token: "t\(attempt)")
    }

    static func job(_ steps: [RunStep], attempts: Int = 1, isRepeatable: Bool = false) -> RunJob {
        RunJob(id: "j", steps: steps, origin: "test", isRepeatable: isRepeatable, maximumAttempts: attempts)
    }

    func run(_ job: RunJob, attempt: Int = 1, enqueuedAt: Int64 = 1) -> RunOutcome? {
        runner.run(ActiveRun(claim: Self.claim(job, attempt: attempt, enqueuedAt: enqueuedAt)))
    }

    func run(_ steps: RunStep...) -> RunOutcome? { run(Self.job(steps)) }

    /// Begins a job on a thread of its own.
    func begin(_ active: ActiveRun) -> Task<RunOutcome?, Never> {
        let pool = WorkerPool(name: "bench", maximum: 1)
        return Task { [runner] in await pool.run { runner.run(active) } }
    }

    /// How often a command with `counting` came to be.
    var count: Int { (Disk.text(root + "/count") ?? "").utf8.count }
}

extension RunStep {
    /// A shell in the root folder: the tests' programs are the shell's.
    static func shell(
        _ script: String, timeout: Duration? = nil, creates: String? = nil, unless: [String]? = nil,
        input: String? = nil, output: String? = nil
    ) -> RunStep {
        .command(
            RunCommand(
                command: ["sh", "-c", script], timeout: timeout, creates: creates, unless: unless, input: input,
                output: output))
    }
}

extension RunOutcome {
    /// Why it did not end well; nil if it did.
    var error: String? {
        switch result {
        case .done: nil
        case .failed(let error, _): "failed: \(error)"
        case .dead(let error): "dead: \(error)"
        case .cancelled: "cancelled"
        }
    }
}

extension RunFeed {
    /// All that was put and has not been taken.
    var text: String {
        var text = ""
        while !next.chunks.isEmpty {
            let chunks = next.chunks
            text += chunks.joined()
            taken(chunks.count)
        }
        return text
    }
}
