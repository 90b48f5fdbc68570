// Drift as records: opened with the time of their onset, kept while they last, closed with the time of their repair.

import Model

struct DriftBook {
    private(set) var opened: [DriftRecord] = []
    private(set) var repaired: [DriftRecord] = []

    /// What changes in the records of an instance whose observation answers what is desired.
    init(
        _ input: ReconcileInput, _ desired: DesiredInstance, _ observed: ObservedInstance, _ comparison: FieldComparison
    ) {
        let cause = Self.cause(input, desired)
        var expected: [FieldKey: String] = [:]
        for field in desired.fields { expected[field.key] = field.expectation.text }
        let unmet = Set(comparison.unmet)
        // A check of what is still to be made says nothing: it is no drift of its own until the rest is as desired.
        let asksTooEarly = cause != .changedOnServer && !comparison.steps.isEmpty
        for key in comparison.unmet where !(asksTooEarly && key.kind == .health && input.drift[key] == nil) {
            let value = observed.fields[key] ?? FieldValue.absent
            let wanted = expected[key] ?? (key.kind == .service ? FieldValue.stopped : FieldValue.absent)
            open(input.drift[key], key, wanted: wanted, value: value, onset: observed.reportedAt, cause: cause)
        }
        let unknown = Set(comparison.unobserved + comparison.unchecked).union(comparison.errors.keys)
        for (key, record) in input.drift.sorted(by: { $0.key < $1.key })
        where !unmet.contains(key) && !unknown.contains(key) {
            var record = record
            record.repairedAt = max(observed.reportedAt, record.onset)
            repaired.append(record)
        }
    }

    private mutating func open(
        _ known: DriftRecord?, _ key: FieldKey, wanted: String, value: String, onset: Timestamp,
        cause: DriftRecord.Cause
    ) {
        var record =
            known ?? DriftRecord(field: key, desired: wanted, observed: value, onset: onset, cause: cause)
        record.desired = wanted
        record.observed = value
        if record != known { opened.append(record) }
    }

    static func cause(_ input: ReconcileInput, _ desired: DesiredInstance) -> DriftRecord.Cause {
        if input.metDigest.isEmpty { return .new }
        return input.metDigest == desired.digest ? .changedOnServer : .desiredChanged
    }
}
