// The spec of an App, as read from a manifest: strict, with every default filled in and every override merged.

/// What an App should be, and where.
public struct AppSpec: Sendable, Hashable {
    public var placement: Placement
    /// Other Apps by name, and the condition type that each must have before an instance here moves to a new generation.
    public var dependsOn: [String: String]
    public var content: Workload
    /// The whole workload for servers that have an override: base and override merged.
    public var overrides: [String: Workload]
    public var update: UpdatePolicy
    public var suspend: Suspension?
    /// What can be run for it, by name.
    public var actions: [String: ActionSpec]

    public init(
        placement: Placement, dependsOn: [String: String] = [:], content: Workload = Workload(),
        overrides: [String: Workload] = [:], update: UpdatePolicy = UpdatePolicy(), suspend: Suspension? = nil,
        actions: [String: ActionSpec] = [:]
    ) {
        self.placement = placement
        self.dependsOn = dependsOn
        self.content = content
        self.overrides = overrides
        self.update = update
        self.suspend = suspend
        self.actions = actions
    }

    public func workload(on server: String) -> Workload { overrides[server] ?? content }
}

/// Which servers an App runs on.
public enum Placement: Sendable, Hashable {
    /// These servers, by name.
    case servers([String])
    /// Every server whose labels contain these; with a count, that many of them, chosen stably.
    case selector([String: String], count: Int?)
}

/// How a change is rolled out.
public struct UpdatePolicy: Sendable, Hashable {
    /// How many instances may be unavailable at once because of a change.
    public var maxUnavailable: Limit

    public init(maxUnavailable: Limit = .count(1)) {
        self.maxUnavailable = maxUnavailable
    }
}

/// A number of instances, or a share of them.
public enum Limit: Sendable, Hashable {
    case count(Int)
    /// Whole percent, 1...100; of a total it is rounded down, and at least 1.
    case percent(Int)

    public func of(_ total: Int) -> Int {
        switch self {
        case .count(let count): count
        case .percent(let percent): max(1, total * percent / 100)
        }
    }
}
