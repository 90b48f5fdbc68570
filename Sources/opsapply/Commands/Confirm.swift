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
            try await store.confirmRemoval(of: key, generation: resource.generation)
            Console.out("\(key): removal of instances confirmed for generation \(resource.generation)\n")
        }
    }
}
