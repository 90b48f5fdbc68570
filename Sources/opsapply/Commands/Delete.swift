internal import ArgumentParser
internal import Model
internal import Output
internal import Programs
internal import Store

/// `delete app/webapp`: takes a resource away, with all that it made on its servers.
struct Delete: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Delete a resource, and what it made on its servers.")

    @OptionGroup var options: StoreOptions

    @Argument(help: "Resources, such as app/webapp.")
    var resources: [String]

    @Flag(help: "Do not ask.")
    var yes = false

    @Flag(help: "Wait until everything is removed from the servers.")
    var wait = false

    @Option(help: "How long to wait at most: 30s, 5m.")
    var timeout = Span(.seconds(300))

    func run() async throws {
        try await options.withStore { store in
            var keys: [ResourceKey] = []
            for text in resources { keys.append(try await Reference.findResource(text, in: store)) }
            let removal = Removal(keys: keys, instances: try await Removal.instances(of: keys, in: store))
            try removal.ask(yes: yes)
            try await removal.delete(from: store)
            if wait { try await removal.wait(in: store, timeout: timeout.duration) }
        }
    }
}
