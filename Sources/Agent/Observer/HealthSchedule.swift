// When which check is due. Pure: time is an argument.
//
// A check that is not well, or whose instance has just changed, is looked at again soon and then less and less often, up
// to its own interval: a service that comes up is seen to within a fraction of a second, at no cost once it is well.

package import Model

package struct HealthSchedule: Sendable {
    package struct Check: Sendable, Hashable {
        package var instance: InstanceID
        package var key: FieldKey
    }

    private struct Entry {
        var spec: FieldSpec
        var every: Duration
        var due: ContinuousClock.Instant
        var wait: Duration
        var isRunning = false
    }

    /// The first wait after a change.
    package static let soonest: Duration = .milliseconds(50)
    /// Commands' proofs are looked at with the sweep only.
    private static let proofInterval: Duration = .seconds(60)

    private var entries: [Check: Entry] = [:]

    package init() {}

    package var count: Int { entries.count }

    /// Takes the checks of all assignments; those that stay keep their time.
    package mutating func assign(_ assignments: [Assignment], now: ContinuousClock.Instant) {
        var next: [Check: Entry] = [:]
        for assignment in assignments {
            for field in assignment.fields {
                guard let every = Self.interval(of: field.spec) else { continue }
                let check = Check(instance: assignment.id, key: field.key)
                if let known = entries[check], known.spec == field.spec {
                    next[check] = known
                } else {
                    next[check] = Entry(spec: field.spec, every: every, due: now, wait: Self.soonest)
                }
            }
        }
        entries = next
    }

    /// How often a field is to be looked at on a thread that may wait; nil for all that is looked at at once.
    package static func interval(of spec: FieldSpec) -> Duration? {
        switch spec {
        case .health(let spec): spec.every
        case .command(let spec) where spec.creates == nil: proofInterval
        default: nil
        }
    }

    /// Something changed at this instance: look soon.
    package mutating func hurry(_ id: InstanceID, now: ContinuousClock.Instant) {
        for (check, entry) in entries where check.instance == id && check.key.kind == .health {
            entries[check]?.wait = Self.soonest
            entries[check]?.due = min(entry.due, now + Self.soonest)
        }
    }

    /// Takes the checks that are due; each is due again only when it is finished.
    package mutating func take(now: ContinuousClock.Instant) -> [FieldTarget] {
        var due: [FieldTarget] = []
        for (check, entry) in entries where entry.due <= now && !entry.isRunning {
            entries[check]?.isRunning = true
            due.append(FieldTarget(instance: check.instance, key: check.key, spec: entry.spec))
        }
        return due
    }

    package mutating func finish(_ target: FieldTarget, value: String, now: ContinuousClock.Instant) {
        let check = Check(instance: target.instance, key: target.key)
        guard var entry = entries[check], entry.spec == target.spec else { return }
        entry.isRunning = false
        let isWell = value == FieldValue.healthy || target.key.kind != .health
        entry.due = now + (isWell ? entry.every : min(entry.every, entry.wait))
        entry.wait = isWell ? Self.soonest : min(entry.every, entry.wait * 2)
        entries[check] = entry
    }

    package var nextDue: ContinuousClock.Instant? {
        entries.values.filter { !$0.isRunning }.map(\.due).min()
    }
}
