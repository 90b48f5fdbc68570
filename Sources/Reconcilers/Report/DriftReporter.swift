// The drift report: each field of an instance beside what it should be, since when it is not, and what is done about
// it. It asks the same reconciler as the controller, so it cannot name an action that the controller would not take.

public import Model

public enum DriftReporter {
    /// A row for each field, in the order of steps.
    /// - Parameter waiting: the controller's message for an instance in phase `waiting`, for readers that do not know
    /// the
    ///   state of dependencies and of the update budget themselves.
    public static func rows(_ input: ReconcileInput, waiting: String? = nil, now: Timestamp) -> [DriftRow] {
        var rows = allRows(input, now: now)
        guard let waiting, input.openJob == nil else { return rows }
        for index in rows.indices where rows[index].action == DriftAction.due {
            rows[index].action = waiting.hasPrefix("waiting") ? waiting : "waiting: \(waiting)"
        }
        return rows
    }

    private static func allRows(_ input: ReconcileInput, now: Timestamp) -> [DriftRow] {
        let outcome = Reconciler.reconcile(input, now: now)
        guard let desired = input.desired else { return leaving(input, outcome, now: now) }
        let answers = input.observed?.digest == desired.digest
        let comparison = FieldComparison(desired: desired, observed: input.observed?.fields ?? [:])
        var rows = desired.fields.map { field in
            row(input, outcome, field.key, field.expectation.text, answers: answers, comparison, now: now)
        }
        let declared = Set(desired.fields.map(\.key))
        for key in comparison.unmet where !declared.contains(key) {
            let wanted = key.kind == .service ? FieldValue.stopped : FieldValue.absent
            rows.append(row(input, outcome, key, wanted, answers: answers, comparison, now: now))
        }
        return rows
    }

    private static func row(
        _ input: ReconcileInput, _ outcome: ReconcileOutcome, _ key: FieldKey, _ desired: String, answers: Bool,
        _ comparison: FieldComparison, now: Timestamp
    ) -> DriftRow {
        let state = state(key, stale: input.gates.serverStale, answers: answers, comparison)
        let record = state == .drifted ? input.drift[key] : nil
        return DriftRow(
            instance: input.id, field: key, desired: desired, observed: input.observed?.fields[key], state: state,
            since: state == .drifted ? record?.onset ?? input.observed?.reportedAt : nil,
            cause: record?.cause, age: input.observed.map { max(.zero, now - $0.reportedAt) },
            action: state == .inSync ? DriftAction.none : action(key, state, input, outcome))
    }

    /// An observation that answers another assignment still shows drift; only its agreement proves nothing.
    private static func state(
        _ key: FieldKey, stale: Bool, answers: Bool, _ comparison: FieldComparison
    ) -> DriftRow.State {
        if stale || comparison.errors[key] != nil { return .unknown }
        if comparison.unobserved.contains(key) || comparison.unchecked.contains(key) { return .unknown }
        if comparison.unmet.contains(key) { return .drifted }
        return answers ? .inSync : .unknown
    }

    private static func action(
        _ key: FieldKey, _ state: DriftRow.State, _ input: ReconcileInput, _ outcome: ReconcileOutcome
    ) -> String {
        if let hold = outcome.hold { return DriftAction.of(hold, input.id) }
        if let job = input.openJob { return "pending job \(job)" + Message.lastTry(input) }
        if let value = input.observed?.fields[key], FieldValue.isError(value) { return DriftAction.none }
        if state == .unknown { return "waiting for the agent of \(input.id.server) to observe it" }
        if let plan = outcome.wanted {
            return plan.steps.contains { $0.field == key } ? DriftAction.due : DriftAction.none
        }
        return key.kind == .health || outcome.phase != .unknown ? DriftAction.none : outcome.message
    }

    private static func leaving(_ input: ReconcileInput, _ outcome: ReconcileOutcome, now: Timestamp) -> [DriftRow] {
        guard let observed = input.observed else { return [] }
        return observed.fields.sorted { $0.key < $1.key }.compactMap { key, value in
            guard RemovalSteps.step(key, from: value) != nil else { return nil }
            let wanted = key.kind == .service ? FieldValue.stopped : FieldValue.absent
            let state: DriftRow.State = input.gates.serverStale || FieldValue.isError(value) ? .unknown : .drifted
            return DriftRow(
                instance: input.id, field: key, desired: wanted, observed: value, state: state, since: nil, cause: nil,
                age: max(.zero, now - observed.reportedAt), action: action(key, state, input, outcome))
        }
    }
}

/// The words of the report's last column.
enum DriftAction {
    static let none = "none"
    static let due = "pending: a job is due"

    static func of(_ hold: Hold, _ id: InstanceID) -> String {
        let message = Message.hold(hold, of: id)
        return switch hold {
        case .suspended, .dependency, .budget: message
        case .backoff: "failed: \(message)"
        case .removalNeedsConfirmation, .generationWentBack, .orphaned, .stale:
            "waiting: \(message)"
        }
    }
}
