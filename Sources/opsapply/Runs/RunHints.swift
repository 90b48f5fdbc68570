// What is said of jobs that do not go on while somebody looks: each thing once.

internal import Model
internal import Output
internal import Store

struct RunHints {
    /// A job that nobody has begun after so long is spoken of.
    static let patience: Duration = .seconds(3)
    /// How often it is asked why jobs do not go on.
    private static let interval: Duration = .seconds(1)
    /// Jobs that are named at a time; the rest is counted.
    private static let mostNamed = 10

    /// By reference: what was said last.
    private var told: [String: String] = [:]
    private var askedAt: ContinuousClock.Instant?

    /// A job that waits for its time, or for another attempt.
    mutating func delayed(_ record: RunRecord, now: Timestamp) -> String? {
        guard record.state == .delayed, isNews(record, "delayed \(record.attempt)") else { return nil }
        let due = record.dueAt.map { " in \(max(.zero, $0 - now).measured)" } ?? ""
        guard record.attempt > 0 else { return "\(record.reference) begins\(due)" }
        let why = record.error.map { ": \($0)" } ?? ""
        return "\(record.reference) failed\(why); attempt \(record.attempt + 1) of \(record.job.maximumAttempts)\(due)"
    }

    /// Lines about jobs that were put on their queues some time ago and still have not begun, or whose agent is silent.
    mutating func waiting(_ records: [RunRecord], _ store: any OperationsStore) async throws -> [String] {
        let asked = ContinuousClock.now
        guard !records.isEmpty, askedAt.map({ asked - $0 >= Self.interval }) ?? true else { return [] }
        askedAt = asked
        let reasons = try await AgentSilence(store: store, now: try await store.now()).reasons(for: records)
        var lines: [String] = []
        for record in records {
            if let reason = reasons[record.reference] {
                let isActive = record.state == .active
                guard isNews(record, "silent \(record.state.rawValue)") else { continue }
                lines.append("\(record.reference) \(isActive ? "is under way, but " : "")\(reason)")
            } else if record.state == .ready, isNews(record, "busy") {
                lines.append("\(record.reference) has not begun yet: others are before it")
            }
        }
        guard lines.count > Self.mostNamed else { return lines }
        return lines.prefix(Self.mostNamed) + ["… and \(counted(lines.count - Self.mostNamed, "job")) more like these"]
    }

    private mutating func isNews(_ record: RunRecord, _ what: String) -> Bool {
        told.updateValue(what, forKey: record.reference) != what
    }
}
