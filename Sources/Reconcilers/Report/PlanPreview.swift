// What `opsapply plan` shows of one instance: the very steps that the controller would plan from the same observation,
// what would hold them back, and, apart from them, what nobody has looked at yet.

public import Model

public struct PlanPreview: Sendable, Hashable {
    public enum Change: String, Sendable, Hashable {
        /// Nothing was ever reported of this instance.
        case create
        case change
        case remove
        case none
    }

    public var instance: InstanceID
    public var change: Change
    public var generation: Int
    public var steps: [Step]
    /// Why the steps, or those that are not known yet, would not be done now.
    public var hold: Hold?
    /// Desired fields that were not observed yet: whether they need a step shows once the agent has looked.
    public var unobserved: [DesiredField] = []
    /// Fields that cannot be observed, and why.
    public var errors: [FieldKey: String] = [:]
    /// How many fields it is about.
    public var fields: Int

    /// What the controller does with this input, once the agent has answered the assignment that comes first.
    public init(_ input: ReconcileInput, now: Timestamp) {
        let answered = Self.answered(input)
        let outcome = Reconciler.reconcile(answered, now: now)
        instance = input.id
        steps = outcome.wanted?.steps ?? []
        hold = outcome.hold
        guard let desired = input.desired else {
            change = .remove
            generation = input.assignment?.generation ?? input.observed?.generation ?? 0
            fields = steps.count
            return
        }
        generation = desired.generation
        fields = desired.fields.count
        // The answer hides what it answers: that the server knew a newer generation is asked of what it said before.
        hold = HoldRule.standing(input, now: now) ?? HoldRule.wentBack(input, desired) ?? outcome.hold
        guard outcome.phase != .ready else {
            change = .none
            return
        }
        let comparison = FieldComparison(desired: desired, observed: input.observed?.fields ?? [:])
        let unknown = Set(comparison.unobserved)
        unobserved = desired.fields.filter { unknown.contains($0.key) }
        errors = comparison.errors
        let isSame = steps.isEmpty && unobserved.isEmpty && errors.isEmpty
        change = input.observed == nil ? .create : isSame ? .none : .change
    }

    /// The assignment stands, and what was observed answers it. An open job of another one is not waited for: it is taken
    /// back, or ends.
    private static func answered(_ input: ReconcileInput) -> ReconcileInput {
        guard let desired = input.desired else {
            var input = input
            if !input.wasRemoving, input.openJob != Removal.jobID(input) { input.openJob = nil }
            return input
        }
        guard let observed = input.observed else { return input }
        let answers = input.assignment?.digest == desired.digest && observed.digest == desired.digest
        guard !answers || input.wasRemoving else { return input }
        var input = input
        if input.assignment?.digest != desired.digest || input.wasRemoving { input.openJob = nil }
        input.assignment = Assignment(
            id: desired.id, generation: desired.generation, digest: desired.digest, fields: [])
        input.observed?.generation = desired.generation
        input.observed?.digest = desired.digest
        input.wasRemoving = false
        return input
    }

    /// The hold as people read it.
    public var held: String? { hold.map { Message.hold($0, of: instance) } }

    /// Its server does not report: what was observed of it is unknown now.
    public var isStale: Bool { hold == .stale }

    /// Whether all is known and as it should be. A suspension holds back nothing then.
    public var isSettled: Bool {
        let isHeld = hold.map { !$0.isSuspension } ?? false
        return steps.isEmpty && unobserved.isEmpty && errors.isEmpty && change != .remove && !isHeld
    }
}
