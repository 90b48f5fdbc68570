// What this agent was asked to observe, what it saw last, and what of that the store has: one place, so that executor,
// observer and reporter speak of the same values.
//
// Guarantees: a report holds exactly what differs from what the store was last known to have; after any doubt about that
// (an error, a new assignment, another agent life) the next report of the instance is full.

package import Model
package import Store
internal import Synchronization

package final class ObservedTable: Sendable {
    struct Entry: Sendable {
        var assignment: Assignment
        var specs: [FieldKey: FieldSpec]
        /// Fields that were made under an earlier assignment, are still there, and are in this one no more.
        var leftovers: Set<FieldKey> = []
        var values: [FieldKey: String] = [:]
        /// What the store has.
        var reported: [FieldKey: String] = [:]
        /// Values to be reported before the present ones: a service that ended and runs again must be seen to have ended.
        var passing: [[FieldKey: String]] = []
        /// The store may have anything: report all.
        var needsFull = true
        /// All fields that can be observed at once have been, for this assignment.
        var isObserved = false
        /// Counts how often all checks came into doubt: one that began before is not to be believed.
        var doubts = 0
        /// Its removal is under way, or done: nothing is handed to it any more.
        var isLeaving = false
        /// A job is at work here: its completion reports, unless it takes longer than this.
        var heldUntil: ContinuousClock.Instant?

        init(_ assignment: Assignment) {
            self.assignment = assignment
            specs = Dictionary(assignment.fields.map { ($0.key, $0.spec) }) { first, _ in first }
        }

        /// Whether there is anything to tell the store.
        func isDirty(at now: ContinuousClock.Instant) -> Bool {
            guard isObserved, heldUntil.map({ $0 <= now }) ?? true else { return false }
            return needsFull || !passing.isEmpty || values != reported
        }
    }

    /// Passing values that wait; a service that flaps faster than the store answers loses the oldest.
    private static let mostPassing = 8

    let entries = Mutex<[InstanceID: Entry]>([:])
    /// Held while something is handed over: nobody begins to leave meanwhile.
    let handing = Mutex(())
    /// Nothing is reported before the store has said what it asks for: an instance that an earlier life of this agent knew
    /// may be gone.
    private let isConfirmed = Mutex(false)

    package init() {}

    // MARK: assignments

    /// Takes a new list of assignments. Returns the instances to be observed from the start. An assignment of an older
    /// generation than this agent knows, and with other content, comes from an older copy of the store: what is known stays,
    /// and is told again, so that a person is asked.
    package func assign(_ assignments: [Assignment], confirmed: Bool) -> [InstanceID] {
        if confirmed { isConfirmed.withLock { $0 = true } }
        return entries.withLock { entries in
            let ids = Set(assignments.map(\.id))
            for id in entries.keys where !ids.contains(id) { entries[id] = nil }
            return assignments.compactMap { assignment in
                if entries[assignment.id]?.assignment == assignment { return nil }
                let known = entries[assignment.id]?.assignment
                if let known, known.generation > assignment.generation, known.digest != assignment.digest {
                    entries[assignment.id]?.needsFull = true
                    return nil
                }
                var entry = Entry(assignment)
                // What was seen stays seen, where it is still asked for in the same way.
                if let old = entries[assignment.id] {
                    entry.values = old.values.filter { entry.specs[$0.key] == old.specs[$0.key] }
                    entry.passing = old.passing
                    entry.heldUntil = old.heldUntil
                    entry.doubts = old.doubts
                    entry.isLeaving = old.isLeaving
                }
                entries[assignment.id] = entry
                return assignment.id
            }
        }
    }

    package var assignments: [Assignment] {
        entries.withLock { $0.values.map(\.assignment) }.sorted { $0.id < $1.id }
    }

    package var instances: [InstanceID] { entries.withLock { $0.keys.sorted() } }

    /// What was made under an earlier assignment and is still there; what is gone is not reported any more.
    package func setLeftovers(_ keys: Set<FieldKey>, of id: InstanceID) {
        entries.withLock { entries in
            guard var entry = entries[id] else { return }
            entry.leftovers = keys
            entry.values = entry.values.filter { entry.specs[$0.key] != nil || keys.contains($0.key) }
            entries[id] = entry
        }
    }

    /// The fields of an instance, leftovers last.
    package func targets(of id: InstanceID) -> [FieldTarget] {
        entries.withLock { entries in
            guard let entry = entries[id] else { return [] }
            return entry.assignment.fields.map { FieldTarget(instance: id, key: $0.key, spec: $0.spec) }
                + entry.leftovers.sorted().map { FieldTarget(instance: id, key: $0, spec: nil) }
        }
    }

    /// 0: nothing is assigned.
    package func generation(of id: InstanceID) -> Int { entries.withLock { $0[id]?.assignment.generation ?? 0 } }

    package func spec(of key: FieldKey, in id: InstanceID) -> FieldSpec? {
        entries.withLock { $0[id]?.specs[key] }
    }

    // MARK: values

    /// Notes what was observed. Whether anything is now to be reported. A nil value takes a leftover off.
    @discardableResult
    package func update(_ values: [FieldKey: String?], of id: InstanceID, complete: Bool = false) -> Bool {
        entries.withLock { entries in
            guard var entry = entries[id] else { return false }
            for (key, value) in values where entry.specs[key] != nil || entry.leftovers.contains(key) {
                entry.values[key] = value
                if value == nil { entry.leftovers.remove(key) }
            }
            if complete { entry.isObserved = true }
            entries[id] = entry
            return entry.isDirty(at: .now)
        }
    }

    /// Notes a value that is to be reported even if it is over before the report is sent.
    package func pass(_ value: String, for key: FieldKey, of id: InstanceID) {
        entries.withLock { entries in
            guard var entry = entries[id], entry.specs[key] != nil else { return }
            entry.values[key] = value
            entry.passing.append([key: value])
            if entry.passing.count > Self.mostPassing { entry.passing.removeFirst() }
            entries[id] = entry
        }
    }

    /// A service of this instance is another process now, or none: what its checks said before says nothing any more.
    package func doubtHealth(of id: InstanceID) {
        entries.withLock { entries in
            guard var entry = entries[id] else { return }
            entry.doubts += 1
            for key in entry.specs.keys where key.kind == .health { entry.values[key] = FieldValue.unknown }
            entries[id] = entry
        }
    }

    package func doubts(of id: InstanceID) -> Int { entries.withLock { $0[id]?.doubts ?? 0 } }

    package func value(of key: FieldKey, in id: InstanceID) -> String? {
        entries.withLock { $0[id]?.values[key] }
    }

    /// Whether all these fields are as desired, as far as was seen.
    package func isInSync(_ keys: [FieldKey], in id: InstanceID) -> Bool {
        entries.withLock { entries in
            guard let entry = entries[id] else { return true }
            let wanted = Set(keys)
            return entry.assignment.fields.filter { wanted.contains($0.key) }.allSatisfy { field in
                entry.values[field.key].map { field.expectation.isMet(by: $0) } ?? true
            }
        }
    }

    // MARK: reports

    package func hold(_ id: InstanceID, until end: ContinuousClock.Instant?) {
        entries.withLock { $0[id]?.heldUntil = end }
    }

    package var dirty: [InstanceID] {
        guard isConfirmed.withLock({ $0 }) else { return [] }
        let now = ContinuousClock.now
        return entries.withLock { entries in entries.filter { $0.value.isDirty(at: now) }.keys.sorted() }
    }

    /// When the first hold ends; nil if none does.
    package var nextRelease: ContinuousClock.Instant? {
        entries.withLock { $0.values.compactMap(\.heldUntil).filter { $0 > .now }.min() }
    }

    /// The next report of an instance; nil if nothing is to be said. With `always`, a report even if nothing changed.
    package func nextReport(of id: InstanceID, always: Bool = false) -> InstanceReport? {
        entries.withLock { entries in
            guard let entry = entries[id], entry.isObserved || always else { return nil }
            var shown = entry.values
            if !always, let passing = entry.passing.first {
                for (key, value) in passing { shown[key] = value }
            }
            guard always || entry.needsFull || !entry.passing.isEmpty || shown != entry.reported else { return nil }
            return Self.report(entry, shown)
        }
    }

    private static func report(_ entry: Entry, _ shown: [FieldKey: String]) -> InstanceReport {
        var fields: [FieldKey: String?] = [:]
        if entry.needsFull {
            for (key, value) in shown { fields.updateValue(value, forKey: key) }
        } else {
            for (key, value) in shown where entry.reported[key] != value { fields.updateValue(value, forKey: key) }
            for key in entry.reported.keys where shown[key] == nil { fields.updateValue(nil, forKey: key) }
        }
        return InstanceReport(
            id: entry.assignment.id, generation: entry.assignment.generation, digest: entry.assignment.digest,
            fields: fields, full: entry.needsFull, fieldsDigest: Digest.fields(shown))
    }

    /// The store has this report now. After a completion, what passed meanwhile is told no more.
    package func wasReported(_ report: InstanceReport, completing: Bool = false) {
        entries.withLock { entries in
            guard var entry = entries[report.id], entry.assignment.digest == report.digest,
                entry.assignment.generation == report.generation
            else { return }
            if report.full { entry.reported = [:] }
            for (key, value) in report.fields { entry.reported[key] = value }
            // It was what came first of what passes, if anything did.
            if let first = entry.passing.first, first.allSatisfy({ entry.reported[$0.key] == $0.value }) {
                entry.passing.removeFirst()
            }
            if completing { entry.passing = [] }
            entry.needsFull = false
            entries[report.id] = entry
        }
    }

    /// Nobody knows what the store has.
    package func forgetReported(_ id: InstanceID) {
        entries.withLock { $0[id]?.needsFull = true }
    }

    package func forgetAllReported() {
        entries.withLock { entries in for id in entries.keys { entries[id]?.needsFull = true } }
    }

    /// The instance is gone from this server: nothing is reported of it any more, until it is assigned anew.
    package func remove(_ id: InstanceID) {
        entries.withLock { $0[id] = nil }
    }
}
