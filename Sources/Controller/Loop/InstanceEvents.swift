// What people are told of a decision: at most a handful of lines for each commit.

import Model
import Reconcilers
import Store

struct InstanceEvents {
    /// Fields named in one event; the rest is counted.
    private static let namedFields = 3

    private let decision: Decision
    private let at: Timestamp

    init(_ decision: Decision, at: Timestamp) {
        self.decision = decision
        self.at = at
    }

    var all: [Event] { [drifted, repaired, emitted, removed].compactMap(\.self) }

    private func event(_ severity: Event.Severity, _ reason: String, _ message: String) -> Event {
        Event(at: at, severity: severity, subject: "\(decision.work.id)", reason: reason, message: message)
    }

    /// Only what somebody or something changed on the server: the rest is the roll-out itself.
    private var drifted: Event? {
        let records = decision.outcome.driftOpened.filter { $0.cause == .changedOnServer }
        guard !records.isEmpty else { return nil }
        return event(
            .warning, "DriftDetected", Self.list(records) { "\($0.field): \($0.observed), should be \($0.desired)" })
    }

    private var repaired: Event? {
        let records = decision.outcome.driftRepaired.filter { $0.cause == .changedOnServer }
        guard !records.isEmpty else { return nil }
        return event(
            .normal, "DriftRepaired",
            Self.list(records) { "\($0.field) after \(Self.seconds((($0.repairedAt ?? at) - $0.onset)))" })
    }

    private var emitted: Event? {
        guard let plan = decision.outcome.emit, let id = decision.outcome.jobID else { return nil }
        let round = plan.round > 0 ? ", round \(plan.round + 1)" : ""
        let what = plan.isRemoval ? "remove" : "generation \(plan.generation)"
        return event(
            .normal, "JobEmitted",
            "job \(id) (\(what)\(round)): " + Self.list(plan.steps) { "\($0.action.rawValue) \($0.field)" })
    }

    private var removed: Event? {
        guard case .remove = decision.outcome.assignment, decision.snapshot.control?.assignment != nil else {
            return nil
        }
        return event(.normal, "InstanceRemoved", "gone from \(decision.work.id.server)")
    }

    private static func list<Value>(_ values: [Value], _ text: (Value) -> String) -> String {
        let rest = values.count - namedFields
        return values.prefix(namedFields).map(text).joined(separator: "; ") + (rest > 0 ? "; \(rest) more" : "")
    }

    private static func seconds(_ duration: Duration) -> String {
        let milliseconds = duration.wholeMilliseconds
        return milliseconds < 10_000 ? "\(milliseconds) ms" : "\(milliseconds / 1000) s"
    }
}
