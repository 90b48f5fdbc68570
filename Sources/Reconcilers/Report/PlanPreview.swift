// What `opsapply plan` shows of one instance: the very steps that the controller would plan from the same observation,
// and, apart from them, what nobody has looked at yet.

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
    /// Desired fields that were not observed yet: whether they need a step shows once the agent has looked.
    public var unobserved: [DesiredField]
    /// Fields that cannot be observed, and why.
    public var errors: [FieldKey: String]
    /// What it was computed from, for `apply --plan`: nil if nothing was reported.
    public var revision: Int?
    public var reportedAt: Timestamp?
    /// `DesiredInstance.digest`; empty for a removal.
    public var digest: String

    public init(desired: DesiredInstance, observed: ObservedInstance?) {
        let comparison = FieldComparison(desired: desired, observed: observed?.fields ?? [:])
        let unknown = Set(comparison.unobserved)
        instance = desired.id
        generation = desired.generation
        steps = comparison.steps
        unobserved = desired.fields.filter { unknown.contains($0.key) }
        errors = comparison.errors
        revision = observed?.revision
        reportedAt = observed?.reportedAt
        digest = desired.digest
        let isSame = steps.isEmpty && unobserved.isEmpty && errors.isEmpty
        change = observed == nil ? .create : isSame ? .none : .change
    }

    /// The removal of an instance.
    public init(removing id: InstanceID, assignment: Assignment?, observed: ObservedInstance?) {
        instance = id
        change = .remove
        generation = assignment?.generation ?? observed?.generation ?? 0
        steps = observed.map { RemovalSteps.steps(assignment: assignment, observed: $0.fields) } ?? []
        unobserved = []
        errors = [:]
        revision = observed?.revision
        reportedAt = observed?.reportedAt
        digest = ""
    }
}
