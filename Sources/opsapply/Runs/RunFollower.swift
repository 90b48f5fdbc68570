// Follows the jobs of a run to their end: what they write as it comes, and how each ends. With a limit, no more than so
// many are on the queues at once.

internal import CLinux
internal import Glibc
internal import Model
internal import Output
internal import Store

struct RunFollower {
    /// How often queues and outputs are looked at.
    static let interval: Duration = .milliseconds(50)
    /// A job that nobody has begun after so long is spoken of.
    static let patience: Duration = .seconds(3)
    /// After an interrupt, jobs are given so long to end.
    static let lastPatience: Duration = .seconds(10)

    private struct Followed {
        var reference: JobReference
        var cursor: String?
        /// What was written of the last line, until its end comes.
        var rest = ""
        var record: RunRecord?
        var isTold = false
    }

    let store: any OperationsStore
    /// Whether output is printed as it comes.
    var printsOutput = true
    /// Whether lines say whose they are.
    var isNamed = true
    private var jobs: [Followed]
    private var signals: Int32 = -1
    private var isInterrupted = false

    init(_ references: [JobReference], store: any OperationsStore) {
        jobs = references.map { Followed(reference: $0) }
        self.store = store
    }

    var records: [RunRecord] { jobs.compactMap(\.record) }

    /// Ends of all jobs. `next` is called while fewer than it wants are open, and puts another on its queue; it returns
    /// its reference, or nil when there is none left.
    /// - Parameter cancels: whether an interrupt ends the jobs; otherwise they are only no longer followed.
    mutating func run(
        cancels: Bool, most: Int = .max, next: () async throws -> JobReference? = { nil }
    ) async throws -> [RunRecord] {
        signals = redops_watch_signals([SIGINT, SIGTERM, SIGHUP], 3)
        let start = ContinuousClock.now
        var mayCome = true
        var giveUpAt: ContinuousClock.Instant?
        while true {
            while mayCome, !isInterrupted, jobs.count(where: { !$0.isTold }) < most {
                if let reference = try await next() {
                    jobs.append(Followed(reference: reference))
                } else {
                    mayCome = false
                }
            }
            try await look(after: .now - start)
            if jobs.allSatisfy(\.isTold), !mayCome || isInterrupted { break }
            if interrupted() {
                isInterrupted = true
                guard cancels else { return records }
                giveUpAt = .now + Self.lastPatience
                try await cancelOpen()
            }
            if let giveUpAt, .now > giveUpAt { break }
            try await Task.sleep(for: Self.interval)
        }
        return records
    }

    var wasInterrupted: Bool { isInterrupted }

    private func interrupted() -> Bool {
        var byte: UInt8 = 0
        return signals >= 0 && Glibc.read(signals, &byte, 1) == 1
    }

    private func cancelOpen() async throws {
        let open = jobs.filter { !$0.isTold }.map(\.reference)
        Console.note("interrupted: cancelling \(counted(open.count, "job"))")
        let store = store
        _ = try await store.onEach(open) { reference throws(StoreError) in
            try await store.cancel(reference.id, on: reference.queue, lease: nil)
        }
    }

    private mutating func look(after elapsed: Duration) async throws {
        let store = store
        let open = jobs.indices.filter { !jobs[$0].isTold }
        let asked = open.map { (reference: jobs[$0].reference, cursor: jobs[$0].cursor) }
        // The state first: what was written before the end is there when the end is.
        let looks = try await store.onEach(asked) { job throws(StoreError) -> (RunRecord?, RunOutput) in
            let record = try await store.runs([job.reference.id], on: job.reference.queue).first ?? nil
            return (record, try await store.output(of: job.reference.id, on: job.reference.queue, after: job.cursor))
        }
        for (index, look) in zip(open, looks) { tell(index, look.0, look.1, elapsed) }
    }

    private mutating func tell(_ index: Int, _ record: RunRecord?, _ output: RunOutput, _ elapsed: Duration) {
        let wasUnknown = jobs[index].record == nil
        jobs[index].cursor = output.cursor
        jobs[index].record = record ?? jobs[index].record
        if output.isCut { say(index, "… output that was not kept …") }
        for chunk in output.chunks { write(index, chunk) }
        guard let record else {
            jobs[index].isTold = true
            return Console.note("\(jobs[index].reference.text) is not known to its queue")
        }
        if wasUnknown, record.state == .ready, elapsed > Self.patience, elapsed < Self.patience * 2 {
            Console.note("\(jobs[index].reference.text) has not begun yet")
        }
        guard !record.state.isOpen else { return }
        if !jobs[index].rest.isEmpty { write(index, "\n") }
        jobs[index].isTold = true
        if printsOutput { Console.note(RunListing.end(record)) }
    }

    private mutating func write(_ index: Int, _ chunk: String) {
        guard printsOutput else { return }
        var lines = (jobs[index].rest + chunk).split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
        jobs[index].rest = lines.removeLast()
        for line in lines { say(index, line) }
    }

    private func say(_ index: Int, _ line: String) {
        guard printsOutput else { return }
        let text = line.printableLines.first ?? ""
        Console.out(isNamed ? "\(jobs[index].reference.queue) | \(text)\n" : "\(text)\n")
    }
}
