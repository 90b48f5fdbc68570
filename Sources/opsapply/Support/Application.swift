// Applying: everything is read and checked before anything is written; Servers go first, so that an App finds its
// places, and Schedules last.

internal import Manifests
internal import Model
internal import Output
internal import Reconcilers
internal import Store

struct Application {
    private let store: any OperationsStore
    private let drafts: [ResourceDraft]
    private let known: [ResourceKey: StoredResource]
    private let confirmRemoval: Bool
    /// What is applied, as it was read.
    private(set) var resources: [ManifestResource] = []
    /// What would hold the pruning back, for a dry run.
    private var heldPrune: String?
    /// What `--prune` takes away.
    let pruned: Removal?

    /// What `apply` was given, read before the store is asked for anything.
    enum Wanted {
        case files(ManifestReading)
        case plan(SavedPlan)
    }

    /// For `apply`, with all its options; asks before it prunes.
    static func prepare(
        _ wanted: Wanted, _ command: Apply, _ store: any OperationsStore
    ) async throws -> Application {
        let known = try await Desired.stored(store)
        let given: ManifestSet
        switch wanted {
        case .files(let reading): given = try Desired.given(reading, among: known.readable)
        case .plan(let plan):
            try await plan.check(against: known, in: store)
            let drafts = plan.resources.map { planned in
                planned.resource.draft(by: Person.current, expectedGeneration: planned.storedGeneration)
            }
            var application = Application(
                store: store, drafts: drafts, known: known.readable, confirmRemoval: command.confirmRemoval,
                pruned: nil)
            application.resources = plan.resources.map(\.resource)
            return application
        }
        let drafts = given.resources.map { $0.draft(by: Person.current, expectedGeneration: nil) }
        var removal: Removal?
        if command.prune { removal = try await prune(keeping: given, known.readable, command, store) }
        var application = Application(
            store: store, drafts: drafts, known: known.readable, confirmRemoval: command.confirmRemoval, pruned: removal
        )
        application.resources = given.resources
        application.heldPrune = heldPrune(of: removal?.keys ?? [], known.readable.count, command)
        return application
    }

    init(
        store: any OperationsStore, drafts: [ResourceDraft], known: [KnownResource], confirmRemoval: Bool,
        pruned: Removal?
    ) {
        self.store = store
        self.drafts = drafts.sorted { ($0.key.kind.rank, $0.key) < ($1.key.kind.rank, $1.key) }
        self.known = Dictionary(known.map { ($0.key, $0.stored) }) { first, _ in first }
        self.confirmRemoval = confirmRemoval
        self.pruned = pruned
    }

    private static func prune(
        keeping given: ManifestSet, _ known: [KnownResource], _ command: Apply, _ store: any OperationsStore
    ) async throws -> Removal? {
        let kept = Set(given.resources.map(\.key))
        let keys = known.map(\.key).filter { !kept.contains($0) }
        guard !keys.isEmpty else { return nil }
        let removal = Removal(keys: keys, instances: try await Removal.instances(of: keys, in: store))
        if command.dryRun { return removal }
        if let held = heldPrune(of: keys, known.count, command) {
            throw CommandFailure([
                "\(held): \(listed(keys.map(\.description)))",
                "nothing is written: add --confirm-removal if it is meant",
            ])
        }
        try removal.ask(yes: command.yes)
        return removal
    }

    /// Set where that is more than may go without a person.
    private static func heldPrune(of keys: [ResourceKey], _ count: Int, _ command: Apply) -> String? {
        guard !command.confirmRemoval, let brake = RemovalBrake.brake(removing: keys.count, of: count) else {
            return nil
        }
        return "--prune would delete \(brake.removing) of \(brake.of) resources, more than a tenth of them"
    }

    func printDryRun() {
        for draft in drafts {
            let stored = known[draft.key]
            let change: ApplyResult.Change =
                stored == nil ? .created : stored?.digest == draft.digest ? .unchanged : .configured
            Console.out("\(draft.key) \(change.rawValue) (dry run)\n")
        }
        for key in pruned?.keys ?? [] { Console.out("\(key) deleted (dry run)\n") }
        if let heldPrune { Console.note("\(heldPrune): nothing would be written without --confirm-removal") }
    }

    /// Writes; the targets are what a wait would wait for.
    func write() async throws -> [WaitTarget] {
        var targets: [WaitTarget] = []
        for draft in drafts {
            let result = try await apply(draft)
            targets.append(WaitTarget(key: draft.key, generation: result.generation, leavesSuspended: true))
            if confirmRemoval, draft.key.kind == .app {
                try await store.confirmRemoval(of: draft.key, generation: result.generation)
            }
        }
        try await pruned?.delete(from: store)
        return targets
    }

    private func apply(_ draft: ResourceDraft) async throws -> ApplyResult {
        do {
            let result = try await store.apply(draft)
            let generation = result.change == .unchanged ? "" : " (generation \(result.generation))"
            Console.out("\(draft.key) \(result.change.rawValue)\(generation)\n")
            return result
        } catch StoreError.conflict(let found) {
            throw CommandFailure(
                "\(draft.key) was changed by somebody at the same moment (\(found.printable)): "
                    + "it and what comes after it is not applied; run the command again")
        }
    }
}
