// What a person does with jobs: look at one, follow it, cancel, retry, forget.

internal import ArgumentParser
internal import Model
internal import Output
internal import Programs
internal import Store

struct JobsShow: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "show", abstract: "Show all of one job.")

    @OptionGroup var options: StoreOptions

    @Argument(help: "A job: server1/ID, @role=web/ID, or the ID alone.")
    var job: String

    @Option(name: .shortAndLong, help: "table, json or name.")
    var output: OutputFormat = .table

    func run() async throws {
        try await options.withStore { store in
            let now = try await store.now()
            let details = JobDetails(output: output)
            guard let slash = job.lastIndex(of: "/") else {
                return try await details.show(job, on: JobReference.queues(store), now: now, store)
            }
            guard let queue = RunQueue(String(job[..<slash])) else {
                throw CommandFailure(
                    "\(job.printable): a job is written server1/ID, @role=web/ID, or with its ID alone")
            }
            try await details.show(String(job[job.index(after: slash)...]), on: [queue], now: now, store)
        }
    }
}

struct JobsLogs: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "logs", abstract: "Show what jobs of runs wrote.",
        discussion:
            "With -f until they are over: exit code 0 only if all succeeded. An interrupt ends the looking only.")

    @OptionGroup var options: StoreOptions

    @Argument(help: "Jobs: server1/ID, @role=web/ID, or the ID alone, on all servers that have it.")
    var jobs: [String]

    @Flag(name: .shortAndLong, help: "Go on until they are over.")
    var follow = false

    func run() async throws {
        try await options.withStore { store in
            let references = try await JobsCommand.references(jobs, store)
            guard follow else { return try await show(references, store) }
            var follower = RunFollower(references, store: store)
            follower.isNamed = references.count > 1
            let records = try await follower.run(cancels: false)
            if follower.wasInterrupted { throw CommandFailure.silent(130) }
            guard records.allSatisfy({ $0.state == .done }) else { throw CommandFailure.silent(CommandFailure.error) }
        }
    }

    private func show(_ references: [JobReference], _ store: any OperationsStore) async throws {
        for reference in references {
            let output = try await store.output(of: reference.id, on: reference.queue, after: nil)
            let name = references.count > 1 ? "\(reference.queue) | " : ""
            if output.isCut { Console.out("\(name)… output that was not kept …\n") }
            Console.out(output.chunks.joined().printableLines.map { "\(name)\($0)\n" }.joined())
        }
    }
}

struct JobsCancel: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "cancel", abstract: "Cancel jobs of runs: what has not begun never does, what runs is ended.")

    @OptionGroup var options: StoreOptions

    @Argument(help: "Jobs: server1/ID, @role=web/ID, or the ID alone, on all servers that have it.")
    var jobs: [String]

    func run() async throws {
        try await options.withStore { store in
            for reference in try await JobsCommand.references(jobs, store) {
                switch try await store.cancel(reference.id, on: reference.queue, lease: nil) {
                case .cancelled: Console.out("\(reference.text) cancelled\n")
                case .asked(let server): Console.out("\(reference.text) runs on \(server.printable), which was told\n")
                case .over(let state): Console.out("\(reference.text) is over: \(state.rawValue)\n")
                case .unknown: throw CommandFailure("there is no job \(reference.text.printable)")
                }
            }
        }
    }
}

struct JobsRetry: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "retry", abstract: "Do jobs of runs again that are dead or cancelled.")

    @OptionGroup var options: StoreOptions

    @Argument(help: "Jobs: server1/ID, @role=web/ID, or the ID alone, on all servers that have it.")
    var jobs: [String]

    func run() async throws {
        try await options.withStore { store in
            var retried = 0
            for reference in try await JobsCommand.references(jobs, store) {
                if try await store.retry(reference.id, on: reference.queue) {
                    Console.out("\(reference.text) is ready again\n")
                    retried += 1
                } else {
                    let state = try await store.runs([reference.id], on: reference.queue).first.flatMap { $0?.state }
                    Console.note(
                        "\(reference.text) is \(state?.rawValue ?? "unknown"): only dead and cancelled jobs are retried"
                    )
                }
            }
            if retried == 0 { throw CommandFailure.silent(CommandFailure.error) }
        }
    }
}

struct JobsPurge: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "purge", abstract: "Forget jobs of runs that are over, with their results and output.")

    @OptionGroup var options: StoreOptions

    @Argument(help: "Jobs, or a server or a pool (@role=web) whose ended jobs all go.")
    var what: [String] = []

    @Flag(help: "The ended jobs of all servers and pools.")
    var all = false

    func validate() throws {
        guard all != !what.isEmpty else { throw ValidationError("expected jobs, a server, a pool, or --all") }
    }

    func run() async throws {
        try await options.withStore { store in
            var count = 0
            if all {
                count = try await store.onEach(JobReference.queues(store)) { queue throws(StoreError) in
                    try await store.purge(nil, on: queue)
                }.reduce(0, +)
            }
            let queues = Set(what.isEmpty ? [] : try await JobReference.queues(store))
            for text in what {
                if let queue = RunQueue(text), queues.contains(queue) {
                    count += try await store.purge(nil, on: queue)
                } else {
                    for reference in try await JobsCommand.references([text], store) {
                        count += try await store.purge([reference.id], on: reference.queue)
                    }
                }
            }
            Console.out("\(counted(count, "job")) forgotten\n")
        }
    }
}

enum JobsCommand {
    /// Every job that is named; one that nobody knows is an error.
    static func references(_ texts: [String], _ store: any OperationsStore) async throws -> [JobReference] {
        var references: [JobReference] = []
        for text in texts {
            let found = try await JobReference.find(text, in: store)
            guard !found.isEmpty else { throw CommandFailure("there is no job \(text.printable)") }
            references += found
        }
        return references
    }
}
