// What every resource carries beside its spec.

/// `metadata` of a manifest.
public struct Metadata: Sendable, Hashable {
    public var name: String
    public var labels: [String: String]
    public var annotations: [String: String]

    public init(name: String, labels: [String: String] = [:], annotations: [String: String] = [:]) {
        self.name = name
        self.labels = labels
        self.annotations = annotations
    }
}

/// A pause with its reason and, where one is given, its end. A suspended resource is observed and never touched.
public struct Suspension: Sendable, Hashable {
    public var reason: String
    public var until: Timestamp?

    public init(reason: String, until: Timestamp? = nil) {
        self.reason = reason
        self.until = until
    }

    public func isInForce(at now: Timestamp) -> Bool { until.map { now < $0 } ?? true }

    /// What stands of two suspensions of one thing, its App's and its Server's: the one that ends last. One without an end
    /// ends after all others.
    public static func last(_ one: Suspension?, _ other: Suspension?) -> Suspension? {
        guard let one, let other else { return one ?? other }
        guard let end = one.until else { return one }
        return other.until.map { $0 <= end } == true ? one : other
    }
}
