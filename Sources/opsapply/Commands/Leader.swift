internal import ArgumentParser
internal import Output
internal import Programs
internal import Store

/// `leader`: who leads, since when, and how many stale writes were refused.
struct Leader: AsyncParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Show which controller leads.")

    @OptionGroup var options: StoreOptions

    @Option(name: .shortAndLong, help: "table or json.")
    var output: DocumentFormat = .table

    func run() async throws {
        try await options.withStore { store in
            let view = try await store.leader()
            let refused = try await store.refusedWrites()
            switch output {
            case .table: Console.out(LeaderListing.text(view, refusedWrites: refused, Console.paint))
            case .json: Console.out(LeaderListing.document(view, refusedWrites: refused))
            }
        }
    }
}
