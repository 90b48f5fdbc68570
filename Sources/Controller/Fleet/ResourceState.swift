// What is kept of each App and each Server.

package import DequeModule
package import Model
package import Reconcilers
package import Store

/// What is kept of a resource of either kind: whether and how the store has it.
protocol DeclaredState {
    associatedtype Compiled
    var compiled: Compiled? { get set }
    var problem: String? { get set }
    var generation: Int { get set }
    var digest: String { get set }
    var confirmedGeneration: Int? { get set }
    var exists: Bool { get set }
    var tombstone: Tombstone? { get set }
    var status: ResourceStatus? { get set }
}

extension DeclaredState {
    /// Whether it is news.
    mutating func take(_ new: Compiled, generation number: Int, _ mark: StoredMark) -> Bool {
        let isSame = compiled != nil && problem == nil && generation == number && digest == mark.digest
        if isSame, confirmedGeneration == mark.confirmed { return false }
        (compiled, problem, exists, tombstone) = (new, nil, true, nil)
        (generation, digest, confirmedGeneration) = (number, mark.digest, mark.confirmed)
        return true
    }

    /// It is there and cannot be read: what is known of it stays.
    mutating func takeProblem(_ why: String) { (problem, exists) = (why, true) }

    var declaration: Declaration {
        if exists { return .declared(generation: generation) }
        return tombstone.map { .deleted(by: $0.deletedBy, generation: $0.generation) } ?? .absent
    }

    /// Whether it is news.
    mutating func takeAbsence(_ authority: Tombstone?) -> Bool {
        let isNews = exists || tombstone != authority
        (compiled, problem, exists, tombstone, status) = (nil, nil, false, authority, nil)
        return isNews
    }
}

/// One App: its compiled form, and the counts over its instances.
package struct AppState: DeclaredState, Sendable {
    package let name: String
    /// nil: not declared, or not readable (then `problem` says why).
    package var compiled: CompiledApp?
    package var problem: String?
    package var generation = 0
    /// Of the manifest: a restored store can hold another one of the same generation.
    package var digest = ""
    package var confirmedGeneration: Int?
    /// Whether the store has it, readable or not.
    package var exists = false
    package var tombstone: Tombstone?
    package var slots: Set<Slot> = []
    package var tally = Tally()
    /// Instances that wait for the budget, first come first served.
    package var waiters = Deque<Slot>()
    /// Instances of other Apps that wait for a condition of this one.
    package var dependents: Set<Slot> = []
    /// The conditions that were true when those were last looked through.
    var knownConditions: Set<String> = []
    /// The status as last written or read; nil: not known in this term.
    package var status: ResourceStatus?
    /// The last instance seen in each phase and what was said of it: examples for people.
    var examples: [InstancePhase: Example] = [:]
    /// The generation for which `RemovalHeld` was said.
    package var heldGeneration: Int?

    init(name: String) {
        self.name = name
    }

    /// How many instances may be unavailable at once.
    package var budget: Int { compiled.map { $0.spec.update.maxUnavailable.of(tally.placed) } ?? 0 }

    /// The brake on mass removal; nil if it is off.
    package var brake: (removing: Int, of: Int)? {
        guard exists, confirmedGeneration != generation else { return nil }
        return RemovalBrake.brake(removing: tally.leaving, of: tally.assigned)
    }
}

/// One Server.
package struct ServerState: DeclaredState, Sendable {
    package let name: String
    /// Where everything of it is stored.
    let shard: Int
    package var compiled: CompiledServer?
    package var problem: String?
    package var generation = 0
    /// Of the manifest: a restored store can hold another one of the same generation.
    package var digest = ""
    package var confirmedGeneration: Int?
    package var exists = false
    package var tombstone: Tombstone?
    /// The agent's root folder; nil before it reported.
    package var root: String?
    /// Whether a report was ever seen.
    package var hasReported = false
    package var isStale = false
    /// All instances on it, its own included.
    package var slots: Set<Slot> = []
    package var status: ResourceStatus?
    /// What was said of its own instance.
    var message = ""

    init(name: String) {
        self.name = name
        shard = StoreLayout.shard(of: name)
    }

    var facts: ServerFacts {
        compiled?.facts(root: root) ?? ServerFacts(name: name, address: name, root: root)
    }
}

/// One instance of those in a phase.
struct Example: Sendable {
    var slot: Slot
    var message: String
}
