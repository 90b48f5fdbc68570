internal import ArgumentParser
internal import Model
internal import Output
internal import Programs
internal import Reconcilers
internal import Store

/// `confirm app/webapp`: a person agrees to what the controller holds back until somebody does.
struct Confirm: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Agree to what the controller holds back: the removal of many instances, or an older generation.")

    @OptionGroup var options: StoreOptions

    @Argument(help: "An App or a Server.")
    var name: String

    func run() async throws {
        try await options.withStore { store in
            let key = try await Reference.findResource(name, in: store)
            guard key.kind.hasInstances else { return Self.sayNothingIsHeld(of: key) }
            guard let resource = try await store.resource(key) else { throw Reference.missing(name, near: nil) }
            var generation = resource.generation
            let known = try await Self.newest(of: key, store)
            if known > generation {
                generation = try await store.raise(key, generation: generation, above: known, by: Person.current)
                Console.out("\(key): goes on as generation \(generation); its servers knew \(known)\n")
            }
            let held = try await held(key, store)
            guard !held.isEmpty else {
                guard generation == resource.generation else { return }
                return Self.sayNothingIsHeld(of: key)
            }
            try await store.confirmRemoval(of: key, generation: generation)
            for what in Set(held).sorted() {
                Console.out("\(key): \(what), confirmed for generation \(generation)\n")
            }
        }
    }

    private static func sayNothingIsHeld(of key: ResourceKey) {
        Console.out("\(key): nothing is held back, so there is nothing to confirm\n")
    }

    /// The newest generation that its servers know.
    private static func newest(of key: ResourceKey, _ store: any OperationsStore) async throws -> Int {
        let ids = try await Fleet.instanceIDs(store).filter { $0.resource == key }
        return try await Fleet.snapshots(ids, in: store).compactMap(\.observed?.generation).max() ?? 0
    }

    /// What waits for a person, in words: by the same decisions as the controller's.
    private func held(_ key: ResourceKey, _ store: any OperationsStore) async throws -> [String] {
        let now = try await store.now()
        let known = try await Desired.stored(store)
        let fleet = try await DesiredFleet(
            DesiredFleet.sources(known.readable), damaged: known.damaged, store: store)
        let existing = try await Fleet.instanceIDs(store)
        let context = try await InstanceContext(fleet, existing: existing, now: now, store: store)
        let ids = Set(existing).union(fleet.instanceIDs).filter { $0.resource == key }
        var held: [String] = []
        for snapshot in try await Fleet.snapshots(ids.sorted(), in: store) {
            var input = context.input(snapshot, fleet.resolution(snapshot.id))
            // What a dead server or a suspension holds back as well waits for the person all the same.
            (input.gates.serverStale, input.gates.suspension) = (false, nil)
            if case .removalNeedsConfirmation(let removing, let total)? = Reconciler.reconcile(input, now: now).hold {
                held.append("removal of \(removing) of \(counted(total, "instance"))")
            }
        }
        return held
    }
}
