// What a status is made from: counters that the caller keeps up to date as instances change, never a list of instances.

public import Model

public struct StatusFacts: Sendable, Hashable {
    public var generation: Int
    /// How many instances are in each phase.
    public var counts: [InstancePhase: Int]
    /// How many instances have steps wanted (`ReconcileOutcome.wanted`).
    public var drifted: Int
    /// How many instances are on servers that do not report; for a Server, 1 if it does not itself.
    public var stale: Int
    /// An instance in each phase and its message, for people: `webapp@server2: health:home unhealthy: …`.
    public var examples: [InstancePhase: String]
    /// The resource's own suspension, if it is in force.
    public var suspension: Suspension?
    /// Why the stored manifest cannot be used, if it cannot.
    public var invalid: String?

    public init(
        generation: Int, counts: [InstancePhase: Int], drifted: Int = 0, stale: Int = 0,
        examples: [InstancePhase: String] = [:], suspension: Suspension? = nil, invalid: String? = nil
    ) {
        self.generation = generation
        self.counts = counts
        self.drifted = drifted
        self.stale = stale
        self.examples = examples
        self.suspension = suspension
        self.invalid = invalid
    }

    var total: Int { counts.values.reduce(0, +) }

    func count(_ phases: InstancePhase...) -> Int { phases.reduce(0) { $0 + (counts[$1] ?? 0) } }

    /// The first example in the order given.
    func example(_ phases: InstancePhase...) -> String? {
        phases.lazy.filter { (counts[$0] ?? 0) > 0 }.compactMap { examples[$0] }.first
    }
}
