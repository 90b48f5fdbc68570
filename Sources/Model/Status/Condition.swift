// What people and programs are told about a resource.

/// `Ready`, `Progressing`, `Drifted`, `Degraded`, `Suspended`, `Stale`.
public struct Condition: Sendable, Hashable {
    public enum Kind: String, Sendable, Hashable, CaseIterable {
        case ready = "Ready"
        case progressing = "Progressing"
        case drifted = "Drifted"
        case degraded = "Degraded"
        case suspended = "Suspended"
        case stale = "Stale"
    }

    public var type: Kind
    public var status: Bool
    /// UpperCamel, for programs: `InstancesUnhealthy`.
    public var reason: String
    public var message: String
    /// When `status` last changed.
    public var since: Timestamp

    public init(type: Kind, status: Bool, reason: String, message: String, since: Timestamp) {
        self.type = type
        self.status = status
        self.reason = reason
        self.message = message
        self.since = since
    }
}

/// The one word for an instance, from its fields and jobs.
public enum InstancePhase: String, Sendable, Hashable, CaseIterable {
    /// The assignment is not observed yet, or the server is stale.
    case unknown = "Unknown"
    /// In sync and healthy.
    case ready = "Ready"
    /// Steps are wanted and a job is on its way.
    case progressing = "Progressing"
    /// Steps are wanted and wait: for a dependency, the budget, a person, or the next round.
    case waiting = "Waiting"
    /// In sync, and a health check or service is not well.
    case unhealthy = "Unhealthy"
    /// The last job ended dead.
    case failed = "Failed"
    case suspended = "Suspended"
    /// On its way out.
    case removing = "Removing"
}

/// The status hash of a resource.
public struct ResourceStatus: Sendable, Hashable {
    public var observedGeneration: Int
    public var conditions: [Condition]
    /// How many instances are in each phase.
    public var counts: [InstancePhase: Int]

    public init(observedGeneration: Int, conditions: [Condition], counts: [InstancePhase: Int]) {
        self.observedGeneration = observedGeneration
        self.conditions = conditions
        self.counts = counts
    }

    public func condition(_ type: Condition.Kind) -> Condition? { conditions.first { $0.type == type } }
}
