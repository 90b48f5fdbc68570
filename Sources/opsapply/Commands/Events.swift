internal import ArgumentParser
internal import Output
internal import Programs
internal import Store

/// `events`: what happened, oldest first.
struct Events: AsyncParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Show what happened, newest last.")

    @OptionGroup var options: StoreOptions

    @Option(name: [.customShort("n"), .long], help: "How many.")
    var limit = 30

    @Option(name: .shortAndLong, help: "table or json.")
    var output: DocumentFormat = .table

    func validate() throws {
        guard (1...10_000).contains(limit) else { throw ValidationError("--limit is 1 to 10000, not \(limit)") }
    }

    func run() async throws {
        try await options.withStore { store in
            let events = try await store.events(limit: limit)
            switch output {
            case .table: Console.out(EventListing.table(events, now: try await store.now()).text(Console.paint))
            case .json: Console.out(EventListing.document(events))
            }
        }
    }
}
