// The steps that would remove the drift of one instance: a value, computed by the same pure function wherever it is shown
// or acted on.

/// What a step does to its field.
public enum StepAction: String, Sendable, Hashable, CaseIterable {
    case create, update, remove
    case install, uninstall
    case set, unset
    case run
    case start, restart, reload, stop
}

/// One field's change.
public struct Step: Sendable, Hashable {
    public var field: FieldKey
    public var action: StepAction
    /// The observed value that it was planned from; nil if there was none.
    public var from: String?
    /// What it should become, as people read it.
    public var to: String
    /// What the driver works from; nil for a removal.
    public var spec: FieldSpec?

    public init(field: FieldKey, action: StepAction, from: String?, to: String, spec: FieldSpec?) {
        self.field = field
        self.action = action
        self.from = from
        self.to = to
        self.spec = spec
    }
}

/// The steps for one instance, in order, and what they were computed from.
public struct Plan: Sendable, Hashable {
    public var instance: InstanceID
    public var generation: Int
    /// `DesiredInstance.digest`; empty when the instance is to be removed.
    public var digest: String
    /// The observed revision that it was made from.
    public var revision: Int
    /// 0 for the first try at this drift; counts the jobs before it that ended dead.
    public var round: Int
    public var steps: [Step]

    public init(instance: InstanceID, generation: Int, digest: String, revision: Int, round: Int, steps: [Step]) {
        self.instance = instance
        self.generation = generation
        self.digest = digest
        self.revision = revision
        self.round = round
        self.steps = steps
    }

    /// Whether the instance is taken away rather than brought to a state.
    public var isRemoval: Bool { digest.isEmpty }
}
