// Writes the lower half of a scenario.

import Model
import Reconcilers

struct ScenarioOutput {
    let outcome: ReconcileOutcome
    let rows: [DriftRow]
    let desired: DesiredInstance?

    var text: String {
        var lines = ["phase \(outcome.phase.rawValue)"]
        if !outcome.message.isEmpty { lines.append("message \(outcome.message)") }
        lines.append("assignment \(assignment)")
        if let hold = outcome.hold { lines.append("hold \(hold)") }
        if outcome.cancelUnstarted { lines.append("cancel the open job if it has not started") }
        lines.append("available \(outcome.available ? "yes" : "no")")
        lines.append("met \(met)")
        if let at = outcome.lookAgainAt { lines.append("look again at \(at.milliseconds)") }
        lines += steps + drift + rows.map(Self.line)
        return lines.joined(separator: "\n") + "\n"
    }

    private var assignment: String {
        switch outcome.assignment {
        case .keep: "keep"
        case .set(let assignment): "set, generation \(assignment.generation)"
        case .remove: "remove"
        }
    }

    private var met: String {
        outcome.metDigest.isEmpty ? "never" : outcome.metDigest == desired?.digest ? "this" : "older"
    }

    private var steps: [String] {
        guard let plan = outcome.wanted else { return [] }
        let job = outcome.jobID.map { "emit \($0)" } ?? "held"
        let head = "plan generation \(plan.generation) revision \(plan.revision) round \(plan.round): \(job)"
        return [head]
            + plan.steps.map {
                "  \($0.action.rawValue) \($0.field): \(Self.short($0.from ?? "-")) → \(Self.short($0.to))"
            }
    }

    private var drift: [String] {
        outcome.driftOpened.map { "opened \($0.field) since \($0.onset.milliseconds) \($0.cause.rawValue)" }
            + outcome.driftRepaired.map {
                "repaired \($0.field) since \($0.onset.milliseconds) at \($0.repairedAt?.milliseconds ?? -1)"
            }
    }

    private static func line(_ row: DriftRow) -> String {
        let since = row.since.map { " since \($0.milliseconds)" } ?? ""
        let action = row.action == "none" ? "" : " · \(row.action)"
        return "report \(row.field) \(row.state.rawValue)\(since)\(action)"
    }

    /// Digests cut to what can be told apart by eye.
    private static func short(_ text: String) -> String {
        guard text.hasPrefix("sha256:") else { return text }
        return String(text.prefix(15)) + "…" + text.dropFirst("sha256:".count + 64)
    }
}
