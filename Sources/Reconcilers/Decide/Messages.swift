// What people are told about an instance: one line, which says what is the case and what it waits for.

import Model

enum Message {
    /// How many steps or fields a message names before it only counts them.
    private static let named = 3

    static func steps(_ steps: [Step]) -> String { list(steps.map { "\($0.action.rawValue) \($0.field)" }) }

    /// Why the last try of the open job did not do.
    static func lastTry(_ input: ReconcileInput) -> String {
        guard input.openJob != nil, let error = input.roundError else { return "" }
        return "; the last try failed: \(error)"
    }

    static func list(_ parts: [String]) -> String {
        let shown = parts.prefix(named).joined(separator: ", ")
        return parts.count > named ? "\(shown) and \(parts.count - named) more" : shown
    }

    static func hold(_ hold: Hold, of id: InstanceID) -> String {
        switch hold {
        case .suspended(let reason): "suspended: \(reason)"
        case .dependency(let missing): "waiting for \(missing)"
        case .budget: "waiting for other instances: update.maxUnavailable is used up"
        case .removalNeedsConfirmation(let removing, let total):
            "opsapply confirm \(id.resource) would remove \(removing) of \(total) instances"
        case .generationWentBack(let observed, let desired):
            "opsapply confirm \(id.resource) would go on with generation \(desired); the server knows \(observed): "
                + "was an older copy of the store restored?"
        case .orphaned: "nobody deleted what declared it: left as it is"
        case .backoff(let until, let error): "\(error); next try at \(until.rfc3339)"
        case .stale: "\(id.server) does not report"
        }
    }

    static func notReady(_ comparison: FieldComparison, _ observed: [FieldKey: String]) -> String {
        if let (key, value) = comparison.errors.min(by: { $0.key < $1.key }) { return "\(key) \(value)" }
        if !comparison.unobserved.isEmpty {
            return "not observed yet: \(list(comparison.unobserved.map(\.description)))"
        }
        if let key = comparison.unhealthy.first { return "\(key) \(observed[key] ?? "")" }
        return "not checked yet: \(list(comparison.unchecked.map(\.description)))"
    }
}
