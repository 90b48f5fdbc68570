// Does one job that is not a plan, on the calling thread. A plan's steps are seen by looking; what these do is not, so the
// journal and the monitor of each program decide what is done again:
//
// Guarantees: before a step acts it is in the journal, and before its end is reported so is that. An attempt whose end is
// there is answered from it. After a crash the job goes on with the step that was cut off: how its program ended is what
// the monitor wrote; where nobody saw that, its proof is asked, then it is done again only if the job may be, and otherwise
// the job is dead, in doubt.
// Caveats: a further attempt after a failure begins with the first step; after a crash the job's time begins anew.

package import Model
internal import Store

/// What became of an attempt.
package struct RunOutcome: Sendable, Hashable {
    package var result: RunResult
    /// Of the program that ended last.
    package var exitCode: Int?
}

/// One attempt on this agent.
package struct ActiveRun: Sendable {
    package let claim: RunClaim
    package let control: RunControl
    package let feed: RunFeed
    /// The job's deadline by this machine's own clock.
    package let deadline: ContinuousClock.Instant?

    package init(
        claim: RunClaim, control: RunControl = RunControl(), feed: RunFeed = RunFeed(),
        deadline: ContinuousClock.Instant? = nil
    ) {
        self.claim = claim
        self.control = control
        self.feed = feed
        self.deadline = deadline
    }
}

package struct RunRunner: Sendable {
    let machine: Machine
    let server: String
    let packages: any PackageManager
    /// Told whose services were started anew: what its checks found before says nothing any more.
    let onRestart: @Sendable (InstanceID) -> Void

    package init(
        machine: Machine, server: String, onRestart: @escaping @Sendable (InstanceID) -> Void = { _ in }
    ) {
        self.machine = machine
        self.server = server
        packages = AptPackages(machine: machine)
        self.onRestart = onRestart
    }

    /// nil if the agent ends: nothing is to be said about it.
    package func run(_ active: ActiveRun) -> RunOutcome? {
        defer { active.feed.close() }
        let claim = active.claim
        if let ended = machine.ledger.read({ $0.runs.ended[claim.ledgerKey] }), let answer = ended.answer(claim) {
            return answer
        }
        return RunPass(self, active).run()
    }

    /// Jobs that change packages are done one after the other: a machine has one package system.
    package static func hasPackages(_ job: RunJob) -> Bool {
        job.steps.contains { if case .upgrade = $0 { true } else { false } }
    }
}

extension RunClaim {
    /// What the journal knows the job by: an id may come again when it was purged, or when a person wants it once more.
    package var ledgerKey: String { "\(queue)/\(job.id)@\(enqueuedAt.milliseconds)" }

    /// How people refer to the job.
    var reference: String { "\(queue)/\(job.id)" }
}

extension EndedRun {
    /// What is said of this claim without doing anything: the end is known, and only the answer was lost. nil where it is
    /// a further attempt.
    func answer(_ claim: RunClaim) -> RunOutcome? {
        let isFurther = claim.attempt > attempt && attempt < claim.job.maximumAttempts
        switch end {
        case .done: return RunOutcome(result: .done, exitCode: exitCode)
        case .dead: return RunOutcome(result: .dead(error: error), exitCode: exitCode)
        case .cancelled: return RunOutcome(result: .cancelled, exitCode: exitCode)
        case .failed:
            if isFurther { return nil }
            let wait = RetryPlan.wait(job: claim.job.id, attempt: attempt)
            return RunOutcome(result: .failed(error: error, retryAfter: wait), exitCode: exitCode)
        }
    }

    init(_ outcome: RunOutcome, attempt: Int) {
        switch outcome.result {
        case .done: self.init(attempt: attempt, end: .done, error: "", exitCode: outcome.exitCode)
        case .failed(let error, _):
            self.init(attempt: attempt, end: .failed, error: error, exitCode: outcome.exitCode)
        case .dead(let error): self.init(attempt: attempt, end: .dead, error: error, exitCode: outcome.exitCode)
        case .cancelled: self.init(attempt: attempt, end: .cancelled, error: "", exitCode: outcome.exitCode)
        }
    }
}
