internal import ArgumentParser
internal import Model
internal import Output
internal import Programs
internal import Store

/// `confirm app/webapp`: a person agrees to a removal that the controller holds back.
struct Confirm: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Agree to the removal of many instances that the controller holds back.")

    @OptionGroup var options: StoreOptions

    @Argument(help: "An App.")
    var app: String

    func run() async throws {
        try await options.withStore { store in
            let key = try await Reference.findResource(app, in: store)
            guard let resource = try await store.resource(key) else { throw Reference.missing(app, near: nil) }
            let known = try await Self.newest(of: key, store)
            if known > resource.generation {
                let raised = try await store.raise(
                    key, generation: resource.generation, above: known, by: Person.current)
                Console.out("\(key): goes on as generation \(raised); its servers knew \(known)\n")
                return
            }
            try await store.confirmRemoval(of: key, generation: resource.generation)
            Console.out("\(key): removal of instances confirmed for generation \(resource.generation)\n")
        }
    }

    /// The newest generation that its servers know.
    private static func newest(of key: ResourceKey, _ store: any OperationsStore) async throws -> Int {
        let ids = try await Fleet.instanceIDs(store).filter { $0.resource == key }
        return try await Fleet.snapshots(ids, in: store).compactMap(\.observed?.generation).max() ?? 0
    }
}
