// What keeps wanted steps from being done, the strongest first.

import Model

enum HoldRule {
    /// Holds that stand whether or not anything is wanted.
    static func standing(_ input: ReconcileInput, now: Timestamp) -> Hold? {
        if input.gates.serverStale { return .stale }
        if let suspension = input.gates.suspension, suspension.isInForce(at: now) {
            return .suspended(reason: suspension.reason)
        }
        return nil
    }

    /// The observation answers a newer generation of something else: the desired side was set back.
    static func wentBack(_ input: ReconcileInput, _ desired: DesiredInstance) -> Hold? {
        guard let observed = input.observed, observed.generation > desired.generation,
            observed.digest != desired.digest
        else { return nil }
        return .generationWentBack(observed: observed.generation, desired: desired.generation)
    }

    /// Holds on these steps. `isChange`: the instance has not met this desired state yet.
    static func onSteps(
        _ input: ReconcileInput, _ desired: DesiredInstance, _ steps: [Step], isChange: Bool, now: Timestamp
    ) -> Hold? {
        if let backoff = input.backoff(for: desired.generation, now: now) { return backoff }
        if isChange, let missing = input.gates.missingDependency { return .dependency(missing) }
        let needsLeave =
            Availability.disturbs(steps, isChange: isChange) && !Availability.isDown(input, isChange: isChange)
        return needsLeave && !input.gates.budgetAvailable ? .budget : nil
    }
}

extension Hold {
    /// When the hold ends by itself.
    func endsAt(_ gates: Gates) -> Timestamp? {
        switch self {
        case .backoff(let until, _): until
        case .suspended: gates.suspension?.until
        case .dependency, .budget, .removalNeedsConfirmation, .generationWentBack, .orphaned, .stale: nil
        }
    }
}
