// An instance that is to go, with somebody's authority: one job takes away what it made; when the agent has reported it
// gone, what the controller keeps of it goes too.

import Model

struct Removal {
    private let input: ReconcileInput
    private let authority: RemovalAuthority
    private let now: Timestamp

    init(_ input: ReconcileInput, _ authority: RemovalAuthority, now: Timestamp) {
        self.input = input
        self.authority = authority
        self.now = now
    }

    /// The plan that takes the instance away; nil if the agent reports nothing of it.
    static func plan(_ input: ReconcileInput) -> Plan? {
        guard let observed = input.observed else { return nil }
        // Of what the agent knows: it does no job of an older one.
        let generation = max(input.assignment?.generation ?? 0, observed.generation)
        return Plan(
            instance: input.id, generation: generation, digest: "", revision: observed.revision,
            round: input.round(for: generation),
            steps: RemovalSteps.steps(assignment: input.assignment, observed: observed.fields))
    }

    static func jobID(_ input: ReconcileInput) -> String? { plan(input).map(JobID.make) }

    var outcome: ReconcileOutcome {
        var outcome = ReconcileOutcome(unchanged: input)
        outcome.phase = .removing
        guard let plan = Self.plan(input) else { return gone(outcome) }
        outcome.wanted = plan
        outcome.hold = hold(plan)
        if let hold = outcome.hold {
            outcome.phase = hold.removalPhase
            outcome.message = Message.hold(hold, of: input.id)
            outcome.lookAgainAt = hold.endsAt(input.gates)
        } else {
            outcome.message = plan.steps.isEmpty ? "to be removed" : Message.steps(plan.steps) + Message.lastTry(input)
        }
        settleJob(&outcome, plan)
        return outcome
    }

    /// Nothing was ever reported, or all was reported gone: no job could have made anything since.
    private func gone(_ unchanged: ReconcileOutcome) -> ReconcileOutcome {
        var outcome = unchanged
        outcome.cancelUnstarted = input.openJob != nil
        if input.openJob == nil { outcome.assignment = .remove }
        return outcome
    }

    private func settleJob(_ outcome: inout ReconcileOutcome, _ plan: Plan) {
        let id = JobID.make(plan)
        if let openJob = input.openJob {
            let isRemoval = input.wasRemoving || openJob == id
            outcome.cancelUnstarted = !isRemoval || outcome.hold?.isSuspension == true
        } else if outcome.hold == nil {
            outcome.emit = plan
            outcome.jobID = id
        }
    }

    private func hold(_ plan: Plan) -> Hold? {
        if let standing = HoldRule.standing(input, now: now) { return standing }
        if case .placementMoved = authority, let brake = input.gates.removalBrake {
            return .removalNeedsConfirmation(removing: brake.removing, of: brake.of)
        }
        return input.openJob == nil ? input.backoff(for: plan.generation, now: now) : nil
    }
}

extension Hold {
    /// A removal that waits for its server is still a removal.
    fileprivate var removalPhase: InstancePhase {
        if case .stale = self { return .removing }
        return phase
    }
}
