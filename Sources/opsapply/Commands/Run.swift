internal import ArgumentParser
internal import JSON
internal import Manifests
internal import Model
internal import Output
internal import Programs
internal import Reconcilers
internal import Store

/// `run --on server1 -- command…`: runs something on servers, and shows what they write.
struct Run: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Run a command, steps or an App's action on servers, and show what they write.",
        discussion: """
            opsapply run --on server1 -- uptime
            opsapply run --selector role=web --parallel 5 -- systemctl reload nginx
            opsapply run --selector role=web --any 1 -- /usr/local/bin/thumbnail 17
            opsapply run --on db1 --steps steps.json
            opsapply run shop/backup        (an action of an App, on its servers)
            opsapply run schedule/nightly   (what a Schedule runs, now)
            Exit code 0 only if all succeeded. An interrupt cancels what is not over.
            """)

    @OptionGroup var options: StoreOptions
    @OptionGroup var asked: RunArguments

    @Option(help: "Not more than so many servers at once.")
    var parallel: Int?

    @Flag(help: "Only enqueue it; `jobs logs -f` follows.")
    var detach = false

    @Option(name: .shortAndLong, help: "table, json or name (json when all is over; name prints the jobs).")
    var output: OutputFormat = .table

    @Argument(help: "An action (shop/backup) or a Schedule (schedule/nightly).")
    var what: String?

    @Argument(parsing: .postTerminator, help: "A command and its arguments, taken as they are: no shell.")
    var command: [String] = []

    func validate() throws {
        try asked.validate(what: what, command: command)
        if let parallel {
            guard parallel >= 1 else { throw ValidationError("--parallel must be at least 1, not \(parallel)") }
            if detach { throw ValidationError("--parallel needs somebody who counts: it goes not with --detach") }
        }
    }

    func run() async throws {
        let steps = try asked.stepsFile()
        try await options.withStore { store in
            let now = try await store.now()
            let planned = try await asked.plan(what: what, command: command, steps: steps, now: now, store)
            guard !detach else { return try await enqueue(planned, store) }
            try await follow(planned, store)
        }
    }

    private func enqueue(_ planned: PlannedRun, _ store: any OperationsStore) async throws {
        let answers = try await planned.submit(to: store)
        for (job, answer) in answers {
            if output == .name { Console.out("\(job.text)\n") }
            guard output == .table else { continue }
            switch answer {
            case .created: Console.out("\(job.text) enqueued\n")
            case .known(let state): Console.out("\(job.text) is there already: \(state.rawValue)\n")
            }
        }
        guard output == .json else { return }
        let records = try await store.onEach(answers.map(\.0)) { job throws(StoreError) in
            try await store.runs([job.id], on: job.queue).first ?? nil
        }
        Console.out(["runs": .array(records.compactMap { $0.map { RunListing.document($0) } })])
    }

    private func follow(_ planned: PlannedRun, _ store: any OperationsStore) async throws {
        var follower = RunFollower(store: store)
        var waiting = planned.parts[...]
        if parallel == nil {
            let answers = try await planned.submit(to: store)
            follower.follow(answers.map(\.0))
            for case (let job, .known(let state)) in answers {
                Console.note("\(job.text) is there already, \(state.rawValue): nothing new is run, this is that job")
            }
            waiting = []
        } else {
            try await planned.openPools(in: store)
        }
        follower.printsOutput = output == .table
        follower.isNamed = planned.count > 1
        follower.nameWidth = planned.parts.map { JobReference(queue: $0.queue, id: $0.job.id).nameWidth }.max() ?? 0
        let records = try await follower.run(cancels: true, most: parallel ?? .max) {
            guard let part = waiting.first else { return nil }
            let reference = try await planned.submit(part, to: store)
            waiting.removeFirst()
            return reference
        }
        switch output {
        case .table: break
        case .name: Console.out(records.map { "\($0.reference)\n" }.joined())
        case .json: try await Console.out(document(records, store))
        }
        try conclude(records, planned.count, follower.wasInterrupted)
    }

    private func document(_ records: [RunRecord], _ store: any OperationsStore) async throws -> JSONValue {
        let outputs = try await store.onEach(records) { record throws(StoreError) in
            try await store.output(of: record.job.id, on: record.queue, after: nil).chunks.joined()
        }
        return ["runs": .array(zip(records, outputs).map { RunListing.document($0, output: $1) })]
    }

    private func conclude(_ records: [RunRecord], _ count: Int, _ wasInterrupted: Bool) throws {
        let failed = records.filter { $0.state != .done }
        if count > 1 {
            Console.note("\(count - failed.count) of \(counted(count, "job")) succeeded")
        }
        if wasInterrupted { throw CommandFailure.silent(130) }
        guard failed.isEmpty, records.count == count else { throw CommandFailure.silent(CommandFailure.error) }
    }
}
