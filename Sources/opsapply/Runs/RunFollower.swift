// Follows the jobs of a run to their end: what they write as it comes, and how each ends. With a limit, no more than so
// many are on the queues at once.

internal import CLinux
internal import Glibc
internal import Model
internal import Output
internal import Store

struct RunFollower {
    /// How often queues and outputs are looked at, and how much later for each job that is followed: Redis has others to
    /// serve.
    private static let interval: Duration = .milliseconds(50)
    private static let intervalPerJob: Duration = .microseconds(100)
    /// After an interrupt, jobs are given so long to end.
    private static let lastPatience: Duration = .seconds(10)
    /// Redis may be away for so long: jobs go on meanwhile.
    private static let outagePatience: Duration = .seconds(60)

    private struct Followed {
        var reference: JobReference
        var cursor: String?
        /// What was written of the last line, until its end comes.
        var rest = ""
        var record: RunRecord?
        var isTold = false
        let since = ContinuousClock.now
    }

    let store: any OperationsStore
    /// Whether output is printed as it comes.
    var printsOutput = true
    /// Whether lines say whose they are.
    var isNamed = true
    /// Columns that names have; grows with what is seen.
    var nameWidth = 0
    private(set) var wasInterrupted = false
    private var jobs: [Followed] = []
    private let signals: Int32
    private var hints = RunHints()
    private var isCancelWanted = false
    private var awaySince: ContinuousClock.Instant?

    /// From here on, an interrupt ends nothing but what is followed.
    init(_ references: [JobReference] = [], store: any OperationsStore) {
        self.store = store
        signals = redops_watch_signals([SIGINT, SIGTERM, SIGHUP], 3)
        follow(references)
    }

    mutating func follow(_ references: [JobReference]) { jobs += references.map { Followed(reference: $0) } }

    var records: [RunRecord] { jobs.compactMap(\.record) }

    /// Ends of all jobs. `next` is called while fewer than `most` are open, and puts another on its queue; it returns its
    /// reference, or nil when there is none left. Where it fails, it is called again for the same.
    /// - Parameter cancels: whether an interrupt ends the jobs; otherwise they are only no longer followed.
    mutating func run(
        cancels: Bool, most: Int = .max, next: () async throws -> JobReference? = { nil }
    ) async throws -> [RunRecord] {
        var mayCome = true
        var giveUpAt: ContinuousClock.Instant?
        while true {
            do {
                while mayCome, !wasInterrupted, jobs.count(where: { !$0.isTold }) < most {
                    if let reference = try await next() { follow([reference]) } else { mayCome = false }
                }
                if isCancelWanted { try await cancelOpen() }
                try await look()
                awaySince = nil
            } catch let error as StoreError {
                try bear(error)
            }
            if jobs.allSatisfy(\.isTold), !mayCome || wasInterrupted { break }
            if isInterrupted() {
                let isSecond = wasInterrupted
                wasInterrupted = true
                guard cancels, !isSecond else { break }
                giveUpAt = .now + Self.lastPatience
                isCancelWanted = true
                continue
            }
            if let giveUpAt, .now > giveUpAt { break }
            try await Task.sleep(for: Self.interval + Self.intervalPerJob * jobs.count(where: { !$0.isTold }))
        }
        tellUnfinished(cancels)
        return records
    }

    private func isInterrupted() -> Bool {
        var byte: UInt8 = 0
        return signals >= 0 && Glibc.read(signals, &byte, 1) == 1
    }

    /// Redis may come back; the jobs do not need us.
    private mutating func bear(_ error: StoreError) throws {
        switch error {
        case .unavailable, .indeterminate:
            let since = awaySince ?? .now
            if awaySince == nil { Console.note("Redis does not answer; jobs go on, and so does looking for it") }
            awaySince = since
            guard ContinuousClock.now - since > Self.outagePatience else { return }
            let open = jobs.filter { !$0.isTold }.map(\.reference.text)
            Console.note("not followed any longer: \(listed(open)); `opsapply jobs logs -f` does when Redis is back")
            throw error
        default: throw error
        }
    }

    private mutating func cancelOpen() async throws {
        let open = jobs.filter { !$0.isTold }.map(\.reference)
        let store = store
        _ = try await store.onEach(open) { reference throws(StoreError) in
            try await store.cancel(reference.id, on: reference.queue, lease: nil)
        }
        Console.note("interrupted: cancelling \(counted(open.count, "job"))")
        isCancelWanted = false
    }

    private func tellUnfinished(_ cancels: Bool) {
        let open = jobs.filter { !$0.isTold }.map(\.reference.text)
        guard cancels, !open.isEmpty else { return }
        let end = isCancelWanted ? "nobody could be told to end" : "told to end"
        Console.note("not waited for any longer, \(end): \(listed(open))")
    }

    private mutating func look() async throws {
        let store = store
        let open = jobs.indices.filter { !jobs[$0].isTold }
        let asked = open.map { (reference: jobs[$0].reference, cursor: jobs[$0].cursor) }
        // The state first: what was written before the end is there when the end is.
        let looks = try await store.onEach(asked) { job throws(StoreError) -> (RunRecord?, RunOutput) in
            let record = try await store.runs([job.reference.id], on: job.reference.queue).first ?? nil
            return (record, try await store.output(of: job.reference.id, on: job.reference.queue, after: job.cursor))
        }
        for (index, look) in zip(open, looks) { tell(index, look.0, look.1) }
        try await tellWaiting()
    }

    /// Why some do not go on.
    private mutating func tellWaiting() async throws {
        let now = ContinuousClock.now
        let open = jobs.filter { !$0.isTold }
        if open.contains(where: { $0.record?.state == .delayed }) {
            let time = try await store.now()
            for line in open.compactMap(\.record).compactMap({ hints.delayed($0, now: time) }) {
                Console.note(line.printable)
            }
        }
        let late = open.filter { now - $0.since > RunHints.patience }.compactMap(\.record)
        for line in try await hints.waiting(late, store) { Console.note(line.printable) }
    }

    private mutating func tell(_ index: Int, _ record: RunRecord?, _ output: RunOutput) {
        jobs[index].cursor = output.cursor
        jobs[index].record = record ?? jobs[index].record
        if output.isCut { say(index, "… output that was not kept …") }
        for chunk in output.chunks { write(index, chunk) }
        guard let record else {
            jobs[index].isTold = true
            return Console.note("\(jobs[index].reference.text) is not known to its queue")
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

    private mutating func say(_ index: Int, _ line: String) {
        guard printsOutput else { return }
        let text = line.printableLines.first ?? ""
        guard isNamed else { return Console.out("\(text)\n") }
        let name = jobs[index].reference.name(on: jobs[index].record?.server)
        nameWidth = max(nameWidth, name.columns)
        Console.out("\(name.padded(to: nameWidth)) | \(text)\n")
    }
}
