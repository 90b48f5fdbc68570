// Values in.

public import Model

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
    /// The phase that stands is `removing`: an open job takes away, and the agent may have let go of its assignment.
    public var wasRemoving: Bool

    public init(
        id: InstanceID, desired: DesiredInstance?, removal: RemovalAuthority?, assignment: Assignment?,
        observed: ObservedInstance?, openJob: String?, round: Int, roundEndedAt: Timestamp?, roundError: String?,
        roundGeneration: Int, drift: [FieldKey: DriftRecord], metDigest: String, gates: Gates,
        wasRemoving: Bool = false
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
        self.wasRemoving = wasRemoving
    }
}
