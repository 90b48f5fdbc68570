// What an earlier life of the agent left running for a job. It is waited for before the first step is done again: two
// commands of one job never run at the same time, and the ledger has room for one process of each job.

internal import Model

/// What became of a process that the ledger names.
package enum Leftover: Sendable, Hashable {
    /// It had ended before anybody looked.
    case ended
    /// It still ran, and its end was waited for.
    case awaited
}

extension JobRunner {
    /// The step that started a process before, and what became of that; nil if the ledger names none.
    func leftover(of job: Job, _ giveUp: GiveUp) throws(StepError) -> (step: Int, end: Leftover)? {
        let (begun, process) = ledger.read { ($0.begun[job.ledgerKey], $0.processes[job.ledgerKey]) }
        guard let begun, let process else { return nil }
        guard ProcessTable.runs(process), let handle = ProcessHandle(process) else { return (begun, .ended) }
        let steps = job.plan.steps
        let time = Self.patience(begun, in: steps)
        let machine = drivers.machine
        let run = CommandRun(
            names: machine.names, outputPath: machine.state.stepOutput(job: job.ledgerKey), deadline: .now + time,
            giveUp: giveUp)
        switch run.wait(for: handle) {
        case .ended: return (begun, .awaited)
        case .timedOut: throw .failed("\(Self.place(begun, in: steps)): no end after \(time): it was stopped")
        case .givenUp: throw .cancelled
        }
    }

    private static func patience(_ index: Int, in steps: [Step]) -> Duration {
        guard steps.indices.contains(index), case .command(let spec)? = steps[index].spec else {
            return PackageDriver.patience
        }
        return spec.timeout
    }

    /// Which step it is, for people. After the last one comes what a removal takes back beyond its steps.
    static func place(_ index: Int, in steps: [Step]) -> String {
        guard steps.indices.contains(index) else { return "after step \(steps.count)" }
        return "step \(index + 1) of \(steps.count), \(steps[index].field)"
    }
}
