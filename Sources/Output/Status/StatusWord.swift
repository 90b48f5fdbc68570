// One word for the state of a resource, from its conditions, with its colour.

package import Model

/// What a table says about a resource.
package struct StatusWord: Sendable, Hashable {
    package let text: String
    package let meaning: Paint.Meaning?
    package let message: String
    package let since: Timestamp?

    /// `generation` is the one that is desired; a status that speaks of an older one says little about it.
    package init(_ status: ResourceStatus?, generation: Int) {
        guard let status, status.observedGeneration >= generation else {
            self.init("Pending", .note, "no controller has looked at generation \(generation) yet", since: nil)
            return
        }
        for kind in [Condition.Kind.suspended, .stale] {
            if let condition = status.condition(kind), condition.status {
                self.init(condition, kind.rawValue, .warning)
                return
            }
        }
        if let ready = status.condition(.ready), ready.status {
            self.init(ready, "Ready", .good)
            return
        }
        for (kind, meaning) in [
            (Condition.Kind.degraded, Paint.Meaning.bad), (.progressing, .note), (.drifted, .warning),
        ] {
            if let condition = status.condition(kind), condition.status {
                self.init(condition, kind.rawValue, meaning)
                return
            }
        }
        let ready = status.condition(.ready)
        self.init("NotReady", .warning, ready?.message ?? "", since: ready?.since)
    }

    package init(unreadable problem: String) { self.init("Unreadable", .bad, problem, since: nil) }

    /// A Schedule has no instances that could be more or less ready.
    package init(_ schedule: ScheduleFacts) {
        let (text, meaning, message) = schedule.stateWord
        self.init(text, meaning, message, since: nil)
    }

    private init(_ condition: Condition, _ text: String, _ meaning: Paint.Meaning) {
        self.init(text, meaning, condition.message, since: condition.since)
    }

    private init(_ text: String, _ meaning: Paint.Meaning?, _ message: String, since: Timestamp?) {
        self.text = text
        self.meaning = meaning
        self.message = message
        self.since = since
    }

    package var cell: Cell { Cell(text, meaning) }
}

extension ResourceStatus {
    /// How many instances there are.
    package var total: Int { counts.values.reduce(0, +) }
    /// `2/3`.
    package var readyText: String { "\(counts[.ready] ?? 0)/\(total)" }
}

extension InstancePhase {
    package var meaning: Paint.Meaning? {
        switch self {
        case .ready: .good
        case .failed, .unhealthy: .bad
        case .progressing, .removing: .note
        case .waiting, .suspended, .unknown: .warning
        }
    }
}

extension JobState {
    package var meaning: Paint.Meaning? {
        switch self {
        case .done: .good
        case .dead: .bad
        case .active: .note
        case .delayed: .warning
        case .ready, .cancelled: nil
        }
    }
}
