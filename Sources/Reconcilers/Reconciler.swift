// The heart: what should happen to one instance now. Pure: values in, values out; no clock, no randomness, no logging, no
// `async`. `opsapply plan` and the controller call the same function, so that a plan cannot lie.

public import Model

/// Who said that an instance may be taken away. Absence alone never does.
public enum RemovalAuthority: Sendable, Hashable {
    /// A person deleted the App or the Server.
    case deleted(by: String)
    /// The App's placement no longer names this server, at this generation.
    case placementMoved(generation: Int)
}

/// Why steps are wanted and not emitted.
public enum Hold: Sendable, Hashable {
    case suspended(reason: String)
    /// An App that this one depends on does not have its condition.
    case dependency(String)
    /// `update.maxUnavailable` is used up.
    case budget
    /// The mass-removal brake: a person must confirm.
    case removalNeedsConfirmation(removing: Int, of: Int)
    /// What is observed answers a newer generation than what is desired: the store was restored from an older copy.
    case generationWentBack(observed: Int, desired: Int)
    /// The instance is not desired and nobody said that it may go.
    case orphaned
    /// The last job ended dead: the next round starts then.
    case backoff(until: Timestamp, error: String)
    case stale
}

/// What the surroundings allow, computed by the caller from its counters.
public struct Gates: Sendable, Hashable {
    public var suspension: Suspension?
    /// The first dependency that does not have its condition, if there is one.
    public var missingDependency: String?
    /// Whether one more instance may become unavailable.
    public var budgetAvailable: Bool
    /// Set when the brake on mass removal is on for this App.
    public var removalBrake: (removing: Int, of: Int)?
    public var serverStale: Bool

    public init(
        suspension: Suspension? = nil, missingDependency: String? = nil, budgetAvailable: Bool = true,
        removalBrake: (removing: Int, of: Int)? = nil, serverStale: Bool = false
    ) {
        self.suspension = suspension
        self.missingDependency = missingDependency
        self.budgetAvailable = budgetAvailable
        self.removalBrake = removalBrake
        self.serverStale = serverStale
    }

    public static func == (left: Gates, right: Gates) -> Bool {
        left.suspension == right.suspension && left.missingDependency == right.missingDependency
            && left.budgetAvailable == right.budgetAvailable && left.serverStale == right.serverStale
            && left.removalBrake?.removing == right.removalBrake?.removing
            && left.removalBrake?.of == right.removalBrake?.of
    }

    public func hash(into hasher: inout Hasher) {
        hasher.combine(suspension)
        hasher.combine(missingDependency)
    }
}

/// All that a decision about one instance is made from.
public struct ReconcileInput: Sendable, Hashable {
    public var id: InstanceID
    /// nil: nothing is desired here (any more).
    public var desired: DesiredInstance?
    public var removal: RemovalAuthority?
    /// What the agent was asked to observe last.
    public var assignment: Assignment?
    public var observed: ObservedInstance?
    public var openJob: String?
    public var round: Int
    public var roundEndedAt: Timestamp?
    public var roundError: String?
    public var roundGeneration: Int
    public var drift: [FieldKey: DriftRecord]
    public var metDigest: String
    public var gates: Gates

    public init(
        id: InstanceID, desired: DesiredInstance?, removal: RemovalAuthority?, assignment: Assignment?,
        observed: ObservedInstance?, openJob: String?, round: Int, roundEndedAt: Timestamp?, roundError: String?,
        roundGeneration: Int, drift: [FieldKey: DriftRecord], metDigest: String, gates: Gates
    ) {
        self.id = id
        self.desired = desired
        self.removal = removal
        self.assignment = assignment
        self.observed = observed
        self.openJob = openJob
        self.round = round
        self.roundEndedAt = roundEndedAt
        self.roundError = roundError
        self.roundGeneration = roundGeneration
        self.drift = drift
        self.metDigest = metDigest
        self.gates = gates
    }
}

/// The decision.
public struct ReconcileOutcome: Sendable, Hashable {
    public enum AssignmentChange: Sendable, Hashable { case keep, set(Assignment), remove }

    public var assignment: AssignmentChange
    /// Every step that is wanted, whether or not it may be done now.
    public var wanted: Plan?
    /// The job to emit now: `wanted`, if nothing holds it and no job is open.
    public var emit: Plan?
    public var jobID: String?
    public var cancelUnstarted: Bool
    public var hold: Hold?
    public var phase: InstancePhase
    public var message: String
    public var driftOpened: [DriftRecord]
    public var driftRepaired: [DriftRecord]
    public var metDigest: String
    /// Whether all services run and all health checks are well: what `maxUnavailable` counts.
    public var available: Bool
    /// When to look again though nothing changed (backoff, a suspension's end); nil: only on change.
    public var lookAgainAt: Timestamp?

    public init(
        assignment: AssignmentChange, wanted: Plan?, emit: Plan?, jobID: String?, cancelUnstarted: Bool, hold: Hold?,
        phase: InstancePhase, message: String, driftOpened: [DriftRecord], driftRepaired: [DriftRecord],
        metDigest: String, available: Bool, lookAgainAt: Timestamp?
    ) {
        self.assignment = assignment
        self.wanted = wanted
        self.emit = emit
        self.jobID = jobID
        self.cancelUnstarted = cancelUnstarted
        self.hold = hold
        self.phase = phase
        self.message = message
        self.driftOpened = driftOpened
        self.driftRepaired = driftRepaired
        self.metDigest = metDigest
        self.available = available
        self.lookAgainAt = lookAgainAt
    }
}
