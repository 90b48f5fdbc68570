// Values out.

public import Model

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
