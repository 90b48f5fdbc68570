internal import ArgumentParser
internal import Model
internal import Output
internal import Programs
internal import Store

/// `jobs [SERVER] [--id ID]`: the queues.
struct Jobs: AsyncParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Show the jobs of one server or of all, newest first.")

    @OptionGroup var options: StoreOptions

    @Argument(help: "A server.")
    var server: String?

    @Option(help: "Show all of one job.")
    var id: String?

    @Option(name: [.customShort("n"), .long], help: "How many of each server.")
    var limit = 20

    @Option(name: .shortAndLong, help: "table, json or name.")
    var output: OutputFormat = .table

    func validate() throws {
        guard (1...10_000).contains(limit) else { throw ValidationError("--limit is 1 to 10000, not \(limit)") }
    }

    func run() async throws {
        try await options.withStore { store in
            let servers = try await servers(store)
            let now = try await store.now()
            if let id {
                try await show(id, on: servers, now: now, store)
                return
            }
            var records: [JobRecord] = []
            for server in servers { records += try await store.jobs(server: server, limit: limit) }
            records.sort { $0.enqueuedAt > $1.enqueuedAt }
            switch output {
            case .table: Console.out(JobListing.table(records, now: now).text(Console.paint))
            case .json: Console.out(JobListing.document(records))
            case .name: Console.out(records.map { "\($0.job.id)\n" }.joined())
            }
        }
    }

    private func servers(_ store: any OperationsStore) async throws -> [String] {
        let names = try await Fleet.serverNames(store)
        guard let server else { return names }
        let name = server.split(separator: "/").last.map(String.init) ?? server
        guard names.contains(name) else {
            throw Reference.missing("server \(server)", near: Nearest.name(to: name, among: names))
        }
        return [name]
    }

    private func show(_ id: String, on servers: [String], now: Timestamp, _ store: any OperationsStore) async throws {
        for server in servers {
            guard let record = try await find(id, on: server, store) else { continue }
            switch output {
            case .table: Console.out(JobListing.description(record, now: now, Console.paint))
            case .json: Console.out(JobListing.document(record))
            case .name: Console.out("\(record.job.id)\n")
            }
            return
        }
        throw CommandFailure("there is no job \(id.printable)" + (server.map { " on \($0.printable)" } ?? ""))
    }

    /// By its whole id, or by the beginning of it.
    private func find(_ id: String, on server: String, _ store: any OperationsStore) async throws -> JobRecord? {
        if let record = try await store.job(server: server, id: id) { return record }
        guard id.count >= 4 else { return nil }
        return try await store.jobs(server: server, limit: QueueBounds.endedJobsKept * 2).first {
            $0.job.id.hasPrefix(id)
        }
    }
}
