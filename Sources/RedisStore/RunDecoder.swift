// Jobs of runs as the scripts give them. A body is `P AA F TTTTTTTTTTTTT {…}` (`preludeRuns.lua`).

internal import Manifests
internal import Model
internal import Redis
internal import Store

struct RunBody {
    /// What stands before the time and the JSON.
    static func head(of job: RunJob) -> String {
        let attempts = job.maximumAttempts < 10 ? "0\(job.maximumAttempts)" : "\(job.maximumAttempts)"
        return "\(job.priority) \(attempts) \(job.isSafeToRepeat ? "r" : "-")"
    }

    private static let timePlace = 7..<20
    private static let jsonPlace = 21

    let enqueuedAt: Timestamp
    let job: RunJob

    /// nil where it is no such text.
    init(_ bytes: [UInt8], in key: String) throws(StoreError) {
        guard bytes.count > Self.jsonPlace, bytes[6] == UInt8(ascii: " "), bytes[20] == UInt8(ascii: " "),
            let time = Int64(String(decoding: bytes[Self.timePlace], as: UTF8.self))
        else { throw .corrupt(key: key, "expected priority, attempts, r or -, a time and JSON") }
        enqueuedAt = Timestamp(milliseconds: time)
        do throws(WireError) {
            job = try RunJob(wireText: String(decoding: bytes[Self.jsonPlace...], as: UTF8.self))
        } catch {
            throw .corrupt(key: key, "\(error)")
        }
    }
}

extension RunRecord {
    /// From what `listRuns` gives of one job.
    init(_ reply: RedisValue, on queue: RunQueue, in key: String) throws(StoreError) {
        guard let parts = reply.array, parts.count == 8, let word = parts[1].string,
            let state = JobState(rawValue: word),
            let bytes = parts[2].bytes
        else { throw .corrupt(key: key, "expected a job with its state") }
        let body = try RunBody(bytes, in: key)
        self.init(queue: queue, job: body.job, state: state, attempt: 0, enqueuedAt: body.enqueuedAt)
        dueAt = state == .active || state == .delayed ? Self.time(parts[3].string) : nil
        let claim = (parts[4].string ?? "").split(separator: " ")
        if claim.count == 4 {
            attempt = Int(claim[0]) ?? 0
            claimedAt = Self.time(String(claim[1]))
            server = String(claim[2])
        } else if let tried = parts[5].string, !tried.isEmpty {
            let tried = Self.words(tried, 3)
            attempt = tried.first.flatMap { Int($0) } ?? 0
            error = tried.count == 3 ? tried[2] : nil
        }
        isCancelling = parts[6].string == "1" && state.isOpen
        if state.isOpen { return }
        end(parts[7].string ?? "")
    }

    /// From a result: `state time exit-code attempt claimed-at server token error`, with - for what is not known.
    private mutating func end(_ line: String) {
        let words = Self.words(line, 8)
        guard words.count >= 7 else {
            error = "how it ended is not known any more"
            return
        }
        finishedAt = Self.time(words[1])
        exitCode = Int(words[2])
        attempt = Int(words[3]) ?? attempt
        claimedAt = Self.time(words[4])
        server = words[5] == "-" ? nil : words[5]
        error = words.count == 8 ? words[7] : nil
    }

    /// So many at most, of which the last has the rest. By bytes: what follows a space may be a mark that joins it.
    private static func words(_ line: String, _ most: Int) -> [String] {
        line.utf8.split(separator: UInt8(ascii: " "), maxSplits: most - 1, omittingEmptySubsequences: false)
            .map { String(Substring($0)) }
    }

    private static func time(_ text: String?) -> Timestamp? {
        text.flatMap { Int64($0) }.map { Timestamp(milliseconds: $0) }
    }
}
