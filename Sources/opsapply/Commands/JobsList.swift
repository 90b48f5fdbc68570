internal import ArgumentParser
internal import Model
internal import Output
internal import Programs
internal import Store

/// `jobs [list] [SERVER | @POOL] [--id ID]`: what is on the queues.
struct JobsList: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list", abstract: "Show the jobs of one server, one pool, or all, newest first.")

    @OptionGroup var options: StoreOptions

    @Argument(help: "A server, or a pool such as @role=web.")
    var queue: String?

    @Option(help: "Show all of one job.")
    var id: String?

    @Option(help: "Only jobs in this state: ready, delayed, active, done, dead or cancelled.")
    var state: String?

    @Option(name: [.customShort("n"), .long], help: "How many of each queue.")
    var limit = 20

    @Option(name: .shortAndLong, help: "table, json or name.")
    var output: OutputFormat = .table

    func validate() throws {
        guard (1...10_000).contains(limit) else { throw ValidationError("--limit is 1 to 10000, not \(limit)") }
        if let state, JobState(rawValue: state) == nil {
            let known = JobState.allCases.map(\.rawValue).joined(separator: ", ")
            throw ValidationError("--state is one of \(known), not \(state.debugDescription)")
        }
    }

    func run() async throws {
        try await options.withStore { store in
            let queues = try await queues(store)
            let now = try await store.now()
            if let id { return try await JobDetails(output: output).show(id, on: queues, now: now, store) }
            let wanted = state.flatMap { JobState(rawValue: $0) }
            let limit = limit
            let found = try await store.onEach(queues) { queue throws(StoreError) -> ([JobRecord], [RunRecord]) in
                guard case .server(let name) = queue else { return ([], try await store.runs(on: queue, limit: limit)) }
                return (try await store.jobs(server: name, limit: limit), try await store.runs(on: queue, limit: limit))
            }
            let records = found.flatMap(\.0).filter { wanted == nil || $0.state == wanted }
                .sorted { $0.enqueuedAt > $1.enqueuedAt }
            let runs = found.flatMap(\.1).filter { wanted == nil || $0.state == wanted }
                .sorted { $0.enqueuedAt > $1.enqueuedAt }
            switch output {
            case .table: Console.out(JobListing.table(records, runs: runs, now: now).text(Console.paint))
            case .json: Console.out(JobListing.document(records, runs: runs))
            case .name: Console.out((records.map(\.job.id) + runs.map(\.reference)).map { "\($0)\n" }.joined())
            }
        }
    }

    private func queues(_ store: any OperationsStore) async throws -> [RunQueue] {
        guard let queue else { return try await JobReference.queues(store) }
        if queue.hasPrefix("@") {
            guard let pool = RunQueue(queue) else {
                throw CommandFailure("\(queue.printable): a pool is written like @role=web,zone=a")
            }
            return [pool]
        }
        let name = queue.split(separator: "/").last.map(String.init) ?? queue
        let names = try await Fleet.serverNames(store)
        guard names.contains(name) else {
            throw Reference.missing("server \(queue)", near: Nearest.name(to: name, among: names))
        }
        return [.server(name)]
    }
}
