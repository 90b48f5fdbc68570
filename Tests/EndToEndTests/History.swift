// What a fleet did while it was broken, as operations of (epoch, operation, id, attempt, start, end), and the one checker
// that judges it: whatever the fault, these rules hold.

import JSON
import Testing

struct History: Sendable {
    /// A job, or the election of a leader, whose start is its end.
    struct Operation: Sendable {
        var epoch: Int
        var name: String
        var id: String
        /// Who led, or whose instance it was.
        var subject: String
        var attempt = 0
        /// RFC 3339 in UTC, so that they are in order as texts. A job that is not over has no end.
        var enqueued: String
        var start: String?
        var end: String?
    }

    var operations: [Operation]

    /// What the store knows of everything that was done.
    static func recorded(of fleet: TestFleet) async throws -> History {
        let jobs = try await fleet.document("jobs", "--limit", "1000")["jobs"]
        let events = try await fleet.document("events", "--limit", "1000")["events"]
        return History(operations: list(jobs).compactMap(job) + list(events).compactMap(election))
    }

    private static func list(_ value: JSONValue?) -> [JSONValue] {
        if case .array(let elements)? = value { elements } else { [] }
    }

    private static func job(_ document: JSONValue) -> Operation? {
        guard let id = document["id"]?.text, let kind = document["kind"]?.text,
            case .int(let epoch)? = document["epoch"],
            let instance = document["instance"]?.text, let enqueued = document["enqueuedAt"]?.text
        else { return nil }
        var operation = Operation(epoch: epoch, name: kind, id: id, subject: instance, enqueued: enqueued)
        if case .int(let attempt)? = document["attempt"] { operation.attempt = attempt }
        operation.start = document["claimedAt"]?.text
        operation.end = document["finishedAt"]?.text
        return operation
    }

    /// `controller1 leads, epoch 12`
    private static func election(_ document: JSONValue) -> Operation? {
        guard document["reason"]?.text == "LeaderElected", let message = document["message"]?.text,
            let at = document["at"]?.text, let last = message.split(separator: " ").last, let epoch = Int(last),
            let holder = message.split(separator: " ").first
        else { return nil }
        return Operation(
            epoch: epoch, name: "lead", id: String(epoch), subject: String(holder), enqueued: at, start: at, end: at)
    }

    // MARK: the rules

    /// One sentence for each breach; none where all rules held.
    var breaches: [String] {
        let jobs = operations.filter { $0.name == "apply" }
        return twoLeaders + twice(jobs) + lateEmissions(jobs) + disorder(jobs) + overlaps(jobs)
    }

    private var twoLeaders: [String] {
        Dictionary(grouping: operations.filter { $0.name == "lead" }, by: \.epoch)
            .filter { Set($0.value.map(\.subject)).count > 1 }
            .map { "epoch \($0.key) had \(Set($0.value.map(\.subject)).sorted().joined(separator: " and "))" }
    }

    private func twice(_ jobs: [Operation]) -> [String] {
        Dictionary(grouping: jobs, by: \.id).filter { $0.value.count > 1 }.map { "job \($0.key) is there twice" }
    }

    /// After a leader's first job none of an older epoch is emitted: its shard was sealed before. (Of one server, because
    /// shards are sealed one after the other.)
    private func lateEmissions(_ jobs: [Operation]) -> [String] {
        jobs.flatMap { job in
            jobs.filter { $0.epoch < job.epoch && $0.enqueued > job.enqueued && $0.server == job.server }
                .map { "job \($0.id) of epoch \($0.epoch) came after one of epoch \(job.epoch)" }
        }
    }

    private func disorder(_ jobs: [Operation]) -> [String] {
        jobs.compactMap { job in
            let times = [job.enqueued, job.start, job.end].compactMap(\.self)
            return times == times.sorted() ? nil : "job \(job.id) was not enqueued, claimed and ended in this order"
        }
    }

    /// Two jobs of one instance are never at work together.
    private func overlaps(_ jobs: [Operation]) -> [String] {
        Dictionary(grouping: jobs.filter { $0.start != nil }, by: \.subject).values.flatMap { own in
            let sorted = own.sorted { ($0.start ?? "") < ($1.start ?? "") }
            return zip(sorted, sorted.dropFirst()).compactMap { first, second in
                guard let end = first.end, let start = second.start, end <= start else {
                    return "jobs \(first.id) and \(second.id) of \(first.subject) were at work together"
                }
                return nil
            }
        }
    }
}

extension History.Operation {
    var server: Substring { subject.split(separator: "@").last ?? "" }
}

extension JSONValue {
    fileprivate var text: String? { if case .string(let text) = self { text } else { nil } }
}

@Suite struct HistoryTests {
    private func job(_ id: String, epoch: Int, _ enqueued: String, _ start: String? = nil, _ end: String? = nil)
        -> History.Operation
    {
        History.Operation(
            epoch: epoch, name: "apply", id: id, subject: "site@server1", attempt: 1, enqueued: enqueued, start: start,
            end: end)
    }

    private func lead(_ holder: String, _ epoch: Int) -> History.Operation {
        History.Operation(epoch: epoch, name: "lead", id: "\(epoch)", subject: holder, enqueued: "0")
    }

    @Test func `a history in order has no breach`() {
        let history = History(operations: [
            lead("a", 1), lead("b", 2), job("x", epoch: 1, "1", "2", "3"), job("y", epoch: 2, "3", "4", "5"),
            job("z", epoch: 2, "6"),
        ])
        #expect(history.breaches == [])
    }

    @Test func `each rule finds its breach`() {
        let broken: [[History.Operation]] = [
            [lead("a", 1), lead("b", 1)],
            [job("x", epoch: 1, "1"), job("x", epoch: 1, "1")],
            [job("x", epoch: 2, "1"), job("y", epoch: 1, "2")],
            [job("x", epoch: 1, "2", "1", "3")],
            [job("x", epoch: 1, "1", "1", "5"), job("y", epoch: 1, "2", "3", "6")],
            [job("x", epoch: 1, "1", "1"), job("y", epoch: 1, "2", "3", "6")],
        ]
        for operations in broken { #expect(History(operations: operations).breaches.count == 1, "\(operations)") }
    }
}
