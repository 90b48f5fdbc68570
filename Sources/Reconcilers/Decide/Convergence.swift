// An instance that is desired: bring the assignment up to date, wait for an observation that answers it, plan from
// that.

import Model

struct Convergence {
    private let input: ReconcileInput
    private let desired: DesiredInstance
    private let now: Timestamp
    private let standing: Hold?
    private let wentBack: Hold?
    /// Set only if the observation answers the assignment that stands, and that is what is desired.
    private let comparison: FieldComparison?

    init(_ input: ReconcileInput, _ desired: DesiredInstance, now: Timestamp) {
        self.input = input
        self.desired = desired
        self.now = now
        standing = HoldRule.standing(input, now: now)
        wentBack = HoldRule.wentBack(input, desired)
        let answers =
            !input.wasRemoving && input.assignment?.digest == desired.digest && input.observed?.digest == desired.digest
        comparison = answers ? FieldComparison(desired: desired, observed: input.observed?.fields ?? [:]) : nil
    }

    var outcome: ReconcileOutcome {
        var outcome = ReconcileOutcome(unchanged: input)
        outcome.assignment = assignment
        outcome.wanted = wanted
        outcome.hold = standing ?? wentBack ?? stepHold(outcome.wanted)
        if outcome.hold == nil, input.openJob == nil { outcome.emit = outcome.wanted }
        if let plan = outcome.emit {
            outcome.jobID = JobID.make(plan)
            if input.assignment?.generation != desired.generation { outcome.assignment = .set(desired.withoutContents) }
        }
        outcome.cancelUnstarted = input.openJob != nil && (supersedesOpenJob || outcome.hold?.isSuspension == true)
        recordDrift(&outcome)
        (outcome.phase, outcome.message) = phase(outcome)
        outcome.available = isAvailable(outcome)
        // What was on its way out and is wanted again may be there as it was: then nothing will be reported of it.
        outcome.lookAgainAt = input.wasRemoving ? now : outcome.hold?.endsAt(input.gates)
        return outcome
    }

    /// The digest decides, not the generation: a change elsewhere in the App asks nothing of this instance. One that
    /// was on its way out is assigned anew, because its agent may have let go of it; so is one whose agent knows a newer
    /// generation than was assigned, because it takes none that is older.
    private var assignment: ReconcileOutcome.AssignmentChange {
        if wentBack != nil { return .keep }
        let assigned = input.assignment?.digest == desired.digest ? input.assignment : nil
        let observed = input.observed?.digest == desired.digest ? nil : input.observed
        let knowsNewer = (observed?.generation ?? 0) > (assigned?.generation ?? 0)
        return assigned == nil || input.wasRemoving || knowsNewer ? .set(desired.withoutContents) : .keep
    }

    /// The open job is of an older desired state, or takes away what is desired again.
    private var supersedesOpenJob: Bool {
        if case .set = assignment { return true }
        return input.openJob == Removal.jobID(input)
    }

    private var wanted: Plan? {
        guard let comparison, !comparison.steps.isEmpty, let observed = input.observed else { return nil }
        return Plan(
            instance: input.id, generation: desired.generation, digest: desired.digest, revision: observed.revision,
            round: input.round(for: desired.generation), steps: comparison.steps)
    }

    private var isChange: Bool { DriftBook.cause(input, desired) != .changedOnServer }

    private func stepHold(_ wanted: Plan?) -> Hold? {
        guard let wanted, input.openJob == nil else { return nil }
        return HoldRule.onSteps(input, desired, wanted.steps, isChange: isChange, now: now)
    }

    private func recordDrift(_ outcome: inout ReconcileOutcome) {
        guard let comparison, let observed = input.observed, !input.gates.serverStale, wentBack == nil else { return }
        let book = DriftBook(input, desired, observed, comparison)
        outcome.driftOpened = book.opened
        outcome.driftRepaired = book.repaired
        if comparison.isConverged { outcome.metDigest = desired.digest }
    }

    private func phase(_ outcome: ReconcileOutcome) -> (InstancePhase, String) {
        if let hold = outcome.hold { return (hold.phase, Message.hold(hold, of: input.id)) }
        guard let comparison else {
            return (.unknown, "waiting for the agent of \(input.id.server) to observe generation \(desired.generation)")
        }
        if let plan = outcome.wanted { return (.progressing, Message.steps(plan.steps) + Message.lastTry(input)) }
        if let job = input.openJob { return (.progressing, "job \(job) is open" + Message.lastTry(input)) }
        if comparison.isReady { return (.ready, "") }
        return (comparison.phase, Message.notReady(comparison, input.observed?.fields ?? [:]))
    }

    /// In sync it must be well to count; with steps still wanted it counts as long as it is not down.
    private func isAvailable(_ outcome: ReconcileOutcome) -> Bool {
        if input.gates.serverStale || input.openJob != nil || outcome.emit != nil { return false }
        guard let comparison, outcome.wanted == nil else { return !Availability.isDown(input, isChange: isChange) }
        return comparison.isReady
    }
}

extension Hold {
    var isSuspension: Bool {
        if case .suspended = self { true } else { false }
    }

    var phase: InstancePhase {
        switch self {
        case .suspended: .suspended
        case .stale: .unknown
        case .backoff: .failed
        case .dependency, .budget, .removalNeedsConfirmation, .generationWentBack, .orphaned: .waiting
        }
    }
}

extension FieldComparison {
    /// Of an instance that has no steps to do and is not ready.
    var phase: InstancePhase {
        if !errors.isEmpty { return .failed }
        return !unobserved.isEmpty || unhealthy.isEmpty ? .unknown : .unhealthy
    }
}
