// One attempt from its first step to its end, or from where an earlier life of the agent left it.

internal import Glibc
internal import Model
internal import Store

/// Used on one thread.
final class RunPass {
    let runner: RunRunner
    let active: ActiveRun
    let files: RunFiles
    let key: String
    /// When the job's time is over.
    private let end: ContinuousClock.Instant
    private(set) var reader: OutputReader?
    private(set) var exitCode: Int?
    /// How many steps there are.
    private var count = 0

    var job: RunJob { active.claim.job }
    var machine: Machine { runner.machine }
    var ledger: Ledger { runner.machine.ledger }

    init(_ runner: RunRunner, _ active: ActiveRun) {
        self.runner = runner
        self.active = active
        key = active.claim.ledgerKey
        files = RunFiles(run: key, in: runner.machine.state)
        end = .now + active.claim.job.timeout
    }

    func run() -> RunOutcome? {
        var result = RunResult.done
        do throws(StepError) {
            try doSteps()
        } catch {
            guard let bad = self.result(of: error) else { return nil }
            result = bad
        }
        let outcome = RunOutcome(result: result, exitCode: exitCode)
        finish(outcome)
        return outcome
    }

    private func doSteps() throws(StepError) {
        let steps = try RunText.steps(of: job, server: runner.server, root: machine.root.prefix)
        count = steps.count
        var next = 0
        if let open = ledger.read({ $0.runs.open[key] }), steps.indices.contains(open.step) {
            reader = try files.reopenOutput(feed: active.feed)
            active.feed.put("… the agent was restarted …\n")
            try resume(steps[open.step], open)
            next = open.step + 1
        } else {
            reader = try files.makeOutput(feed: active.feed)
        }
        for index in next..<max(next, steps.count) {
            let step = steps[index]
            try at(index, step) { () throws(StepError) in
                try checkTime()
                try perform(step, index)
            }
        }
    }

    func perform(_ step: RunStep, _ index: Int) throws(StepError) {
        switch step {
        case .command(let command): try perform(command, index)
        case .restart(let app, let services): try restart(app, services, index)
        case .upgrade(let packages): try upgrade(packages, index)
        case .keep(let rule): try keep(rule, index)
        }
    }

    /// Says in the journal that a step begins that may be done twice.
    func begin(_ index: Int) throws(StepError) {
        let open = OpenRun(attempt: active.claim.attempt, step: index, process: nil)
        try ledger.append([.runBegun(run: key, open)])
    }

    /// Errors say at which step they came about.
    func at(_ index: Int, _ step: RunStep, _ body: () throws(StepError) -> Void) throws(StepError) {
        do throws(StepError) {
            try body()
        } catch {
            let place = place(index, step)
            switch error {
            case .failed(let text): throw .failed("\(place): \(text)")
            case .later(let text, let wait): throw .later("\(place): \(text)", after: wait)
            case .impossible(let text): throw .impossible("\(place): \(text)")
            case .cancelled: throw .cancelled
            }
        }
    }

    /// Which step it is, for people.
    func place(_ index: Int, _ step: RunStep) -> String {
        let name =
            switch step {
            case .command(let command): RootFolder.name(of: command.command.first ?? "")
            case .restart(let app, _): "restart \(app)"
            case .upgrade: "upgrade"
            case .keep(let rule): "keep \(rule.pattern)"
            }
        return "step \(index + 1) of \(count), \(name)"
    }

    // MARK: time

    func checkTime() throws(StepError) {
        if active.control.stop != nil { throw .cancelled }
        if let deadline = active.deadline, deadline <= .now { throw .impossible(deadlineText) }
        if end <= .now { throw .failed("not begun: the job's time of \(job.timeout) was over") }
    }

    private var deadlineText: String { "its deadline passed at \(job.deadline?.rfc3339 ?? "")" }

    /// When something that may take so long is to be stopped.
    func limit(_ timeout: Duration?) -> ContinuousClock.Instant {
        let own = timeout.map { min(.now + $0, end) } ?? end
        return active.deadline.map { min($0, own) } ?? own
    }

    /// Why it was stopped.
    func lateness(_ name: String, _ timeout: Duration?) -> StepError {
        if let deadline = active.deadline, deadline <= .now { return .impossible("\(deadlineText): it was stopped") }
        let time = end <= .now ? job.timeout : timeout ?? job.timeout
        return .failed("\(name) had not ended after \(time) and was stopped\(StepContext.lastLine(reader?.text ?? ""))")
    }

    // MARK: the end

    func note(exit: ProcessExit) {
        switch exit {
        case .exited(let code): exitCode = code
        case .killed(let signal): exitCode = 128 + signal
        case .unknown: break
        }
    }

    private func result(of error: StepError) -> RunResult? {
        if active.control.stop == .cancel { return .cancelled }
        let text = StoreBounds.bounded(error: error.text)
        switch error {
        case .cancelled: return nil
        case .impossible: return .dead(error: text)
        case .failed:
            return .failed(error: text, retryAfter: RetryPlan.wait(job: job.id, attempt: active.claim.attempt))
        case .later(_, let after):
            let wait = max(after, RetryPlan.wait(job: job.id, attempt: active.claim.attempt))
            return .failed(error: text, retryAfter: wait)
        }
    }

    /// What cannot be written down is told all the same, and its files stay: they are the next best witness.
    private func finish(_ outcome: RunOutcome) {
        let open = ledger.read { $0.runs.open[key] }
        let ended = EndedRun(outcome, attempt: active.claim.attempt)
        guard (try? ledger.append([.runEnded(run: key, ended)])) != nil else { return }
        if let open { unlink(files.status(attempt: open.attempt, step: open.step)) }
        reader = nil
        files.removeOutput()
    }
}
