// What the journal knows of runs. Kept apart from the jobs of plans: a run is not seen by looking, so what is remembered
// of it decides whether it is done again.

internal import JSON
internal import Model

/// A job under way.
package struct OpenRun: Sendable, Hashable {
    /// The attempt that began this step.
    package var attempt: Int
    package var step: Int
    /// The process that it runs in, or rather the monitor of that; nil for a step that may be done twice.
    package var process: ProcessIdentity?

    package init(attempt: Int, step: Int, process: ProcessIdentity?) {
        self.attempt = attempt
        self.step = step
        self.process = process
    }
}

/// How an attempt ended.
package struct EndedRun: Sendable, Hashable {
    package enum End: String, Sendable, Hashable {
        case done, failed, dead, cancelled
    }

    package var attempt: Int
    package var end: End
    /// Empty if it was done.
    package var error: String
    package var exitCode: Int?

    package init(attempt: Int, end: End, error: String, exitCode: Int?) {
        self.attempt = attempt
        self.end = end
        self.error = error
        self.exitCode = exitCode
    }
}

package struct RunLedger: Sendable, Hashable {
    package private(set) var open: [String: OpenRun] = [:]
    package private(set) var ended: [String: EndedRun] = [:]
    /// Oldest first.
    private var openOrder: [String] = []
    private var endedOrder: [String] = []

    /// How many are remembered: several times of what can be under way (`RunExecutor.mostHeld`).
    static let openKept = 256
    static let endedKept = 512

    mutating func begin(_ run: String, _ how: OpenRun) {
        if open.updateValue(how, forKey: run) == nil { openOrder.append(run) }
        // A further attempt: that the one before failed is of no use any more.
        if ended.removeValue(forKey: run) != nil { endedOrder.removeAll { $0 == run } }
        if openOrder.count > Self.openKept { open[openOrder.removeFirst()] = nil }
    }

    mutating func end(_ run: String, _ how: EndedRun) {
        if open.removeValue(forKey: run) != nil { openOrder.removeAll { $0 == run } }
        if ended.updateValue(how, forKey: run) == nil { endedOrder.append(run) }
        if endedOrder.count > Self.endedKept { ended[endedOrder.removeFirst()] = nil }
    }

    var entries: [LedgerEntry] {
        endedOrder.compactMap { run in ended[run].map { .runEnded(run: run, $0) } }
            + openOrder.compactMap { run in open[run].map { .runBegun(run: run, $0) } }
    }
}

extension OpenRun {
    func json(_ run: String) -> JSONValue {
        [
            "t": "runBegun", "run": .string(run), "attempt": .int(attempt), "step": .int(step),
            "process": process?.json ?? .null,
        ]
    }
}

extension EndedRun {
    func json(_ run: String) -> JSONValue {
        [
            "t": "runEnded", "run": .string(run), "attempt": .int(attempt), "end": .string(end.rawValue),
            "error": .string(error), "exit": exitCode.map { .int($0) } ?? .null,
        ]
    }
}

extension LedgerEntry {
    /// nil if this is no entry of a run.
    static func ofRun(_ json: JSONValue) -> LedgerEntry? {
        guard let run = json["run"]?.string, let attempt = json["attempt"]?.int else { return nil }
        switch json["t"]?.string {
        case "runBegun":
            guard let step = json["step"]?.int else { return nil }
            let process = json["process"].flatMap { ProcessIdentity(json: $0) }
            return .runBegun(run: run, OpenRun(attempt: attempt, step: step, process: process))
        case "runEnded":
            guard let end = json["end"]?.string.flatMap({ EndedRun.End(rawValue: $0) }),
                let error = json["error"]?.string
            else { return nil }
            let ended = EndedRun(attempt: attempt, end: end, error: error, exitCode: json["exit"]?.int)
            return .runEnded(run: run, ended)
        default: return nil
        }
    }
}
