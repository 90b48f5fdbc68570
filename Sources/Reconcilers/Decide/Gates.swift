// What may keep a decision from being carried out.

public import Model

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
