// The heart: what should happen to one instance now. Pure: values in, values out; no clock, no randomness, no logging,
// no `async`. `opsapply plan` and the controller call the same function, on what is stored and observed.
//
// Guarantees: the same input gives the same outcome. While a job is open nothing is emitted. Steps are planned only
// from an observation that answers the very assignment that stands. Absence of a declaration removes nothing without
// authority.

public import Model

public enum Reconciler {
    /// Decides about one instance.
    public static func reconcile(_ input: ReconcileInput, now: Timestamp) -> ReconcileOutcome {
        if let desired = input.desired { return Convergence(input, desired, now: now).outcome }
        if input.assignment == nil, input.observed == nil {
            return nothing(input)
        }
        guard let authority = input.removal else { return orphaned(input) }
        return Removal(input, authority, now: now).outcome
    }

    /// The outcome while it cannot be said what the instance should be (`Resolution.waiting`): nothing is touched.
    public static func unresolved(_ input: ReconcileInput, why: String) -> ReconcileOutcome {
        var outcome = ReconcileOutcome(unchanged: input)
        outcome.message = why
        return outcome
    }

    private static func nothing(_ input: ReconcileInput) -> ReconcileOutcome {
        var outcome = ReconcileOutcome(unchanged: input)
        if input.removal != nil { outcome.assignment = .remove }
        return outcome
    }

    private static func orphaned(_ input: ReconcileInput) -> ReconcileOutcome {
        var outcome = ReconcileOutcome(unchanged: input)
        outcome.hold = .orphaned
        outcome.phase = .waiting
        outcome.message = Message.hold(.orphaned, of: input.id)
        outcome.cancelUnstarted = input.openJob != nil
        return outcome
    }
}

extension ReconcileOutcome {
    /// Nothing is done and nothing is known.
    init(unchanged input: ReconcileInput) {
        self.init(
            assignment: .keep, wanted: nil, emit: nil, jobID: nil, cancelUnstarted: false, hold: nil, phase: .unknown,
            message: "", driftOpened: [], driftRepaired: [], metDigest: input.metDigest, available: false,
            lookAgainAt: nil)
    }
}
