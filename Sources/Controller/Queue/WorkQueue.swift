// The work queue: which key is to be looked at next. A value without a clock: time is an argument, so that its rules can
// be tested by a fuzzer.
//
// Guarantees
//  1. One entry per key; of several times asked for, the earliest wins; of two priorities, the higher.
//  2. No key is handed out before its time.
//  3. A key is never handed out again while it runs; added while it runs, it is handed out once more after.
//  4. Among keys whose time has come, changes go before resync, and each kind in the order in which it became due.
//  5. Nothing added is lost: it is handed out, or still counted.
//  It holds at most one entry per key, so its bound is the number of keys (instances of the fleet); entries of the heap
//  that an earlier time has made void are swept out when they are more than `Self.voidEntries` and half of all.

import DequeModule
import HeapModule

/// What a queue can hold.
package protocol WorkKey: Hashable, Sendable {
    /// The same in every process: spreads waits after failures.
    var seed: UInt64 { get }
}

/// What goes first.
package enum WorkPriority: UInt8, Sendable, Hashable, Comparable {
    case change
    case resync

    package static func < (left: WorkPriority, right: WorkPriority) -> Bool { left.rawValue < right.rawValue }
}

/// A key's fate after it has run.
package enum WorkResult: Sendable, Hashable {
    /// Nothing more to do until something changes.
    case settled
    /// Look again in this time.
    case requeue(after: Duration)
    /// It went wrong: again after a wait that grows.
    case failed
}

package struct WorkQueue<Key: WorkKey>: Sendable {
    static var voidEntries: Int { 256 }

    private struct Wanted {
        var due: Duration
        var priority: WorkPriority
    }

    private enum State {
        /// In the heap until `due`.
        case delayed(Wanted)
        /// In the line of its priority.
        case ready(WorkPriority)
        /// Handed out; what was added since.
        case running(again: Wanted?)
    }

    private struct Entry {
        var state: State
        /// Tells this entry's place in heap or line from void ones.
        var stamp: UInt64
        var failures: Int
    }

    private struct Delayed: Comparable {
        var due: Duration
        var stamp: UInt64
        var key: Key

        static func == (left: Self, right: Self) -> Bool { left.stamp == right.stamp }
        static func < (left: Self, right: Self) -> Bool { (left.due, left.stamp) < (right.due, right.stamp) }
    }

    private struct Place {
        var key: Key
        var stamp: UInt64
    }

    private var entries: [Key: Entry] = [:]
    private var heap = Heap<Delayed>()
    private var changes = Deque<Place>()
    private var resyncs = Deque<Place>()
    private var lastStamp: UInt64 = 0
    private let backoff: Backoff
    package private(set) var runningCount = 0

    package init(backoff: Backoff) {
        self.backoff = backoff
    }

    /// Keys that wait or run.
    package var count: Int { entries.count }
    package var waitingCount: Int { entries.count - runningCount }

    /// Asks for a look at `key` at `due` or before.
    package mutating func add(_ key: Key, due: Duration, priority: WorkPriority, now: Duration) {
        let wanted = Wanted(due: max(due, .zero), priority: priority)
        guard var entry = entries[key] else {
            place(key, wanted, failures: 0, now: now)
            return
        }
        switch entry.state {
        case .running(let again):
            entry.state = .running(again: Self.merged(again, wanted))
            entries[key] = entry
        case .delayed(let old):
            let merged = Self.merged(old, wanted)
            guard merged.due < old.due || merged.priority < old.priority else { return }
            place(key, merged, failures: entry.failures, now: now)
        case .ready(let old):
            guard priority < old else { return }
            place(key, Wanted(due: now, priority: priority), failures: entry.failures, now: now)
        }
    }

    private static func merged(_ old: Wanted?, _ new: Wanted) -> Wanted {
        guard let old else { return new }
        return Wanted(due: min(old.due, new.due), priority: min(old.priority, new.priority))
    }

    private mutating func place(_ key: Key, _ wanted: Wanted, failures: Int, now: Duration) {
        lastStamp += 1
        if wanted.due <= now {
            entries[key] = Entry(state: .ready(wanted.priority), stamp: lastStamp, failures: failures)
            appendReady(Place(key: key, stamp: lastStamp), wanted.priority)
        } else {
            entries[key] = Entry(state: .delayed(wanted), stamp: lastStamp, failures: failures)
            heap.insert(Delayed(due: wanted.due, stamp: lastStamp, key: key))
            sweep()
        }
    }

    private mutating func appendReady(_ place: Place, _ priority: WorkPriority) {
        switch priority {
        case .change: changes.append(place)
        case .resync: resyncs.append(place)
        }
    }

    /// The next key whose time has come; it runs from now on, until `finish`.
    package mutating func next(now: Duration) -> Key? {
        promote(now: now)
        while let place = changes.popFirst() ?? resyncs.popFirst() {
            guard var entry = entries[place.key], entry.stamp == place.stamp, case .ready = entry.state else {
                continue
            }
            entry.state = .running(again: nil)
            entries[place.key] = entry
            runningCount += 1
            return place.key
        }
        return nil
    }

    private mutating func promote(now: Duration) {
        while let first = heap.min, first.due <= now {
            heap.removeMin()
            guard var entry = entries[first.key], entry.stamp == first.stamp, case .delayed(let wanted) = entry.state
            else { continue }
            entry.state = .ready(wanted.priority)
            entries[first.key] = entry
            appendReady(Place(key: first.key, stamp: first.stamp), wanted.priority)
        }
    }

    /// When `next` will have something; nil if nothing waits.
    package mutating func nextDue(now: Duration) -> Duration? {
        promote(now: now)
        if hasReady() { return now }
        while let first = heap.min {
            if entries[first.key]?.stamp == first.stamp { return first.due }
            heap.removeMin()
        }
        return nil
    }

    private mutating func hasReady() -> Bool { Self.dropVoid(&changes, entries) || Self.dropVoid(&resyncs, entries) }

    private static func dropVoid(_ line: inout Deque<Place>, _ entries: [Key: Entry]) -> Bool {
        while let first = line.first {
            if let entry = entries[first.key], entry.stamp == first.stamp, case .ready = entry.state { return true }
            line.removeFirst()
        }
        return false
    }

    /// Ends a run. What was asked for while it ran is honoured at its own time, or at that of `result` if that is earlier.
    /// Returns how often the key has failed in a row.
    @discardableResult
    package mutating func finish(_ key: Key, _ result: WorkResult, now: Duration) -> Int {
        guard let entry = entries[key], case .running(let again) = entry.state else {
            preconditionFailure("finish() of a key that does not run")
        }
        runningCount -= 1
        switch result {
        case .settled:
            leave(key, again, failures: 0, now: now)
            return 0
        case .requeue(let after):
            leave(key, Self.merged(again, Wanted(due: now + after, priority: .change)), failures: 0, now: now)
            return 0
        case .failed:
            let failures = entry.failures + 1
            let wait = backoff.wait(attempt: failures, seed: key.seed)
            leave(key, Self.merged(again, Wanted(due: now + wait, priority: .change)), failures: failures, now: now)
            return failures
        }
    }

    private mutating func leave(_ key: Key, _ wanted: Wanted?, failures: Int, now: Duration) {
        guard let wanted else {
            entries[key] = nil
            return
        }
        place(key, wanted, failures: failures, now: now)
    }

    private mutating func sweep() {
        guard heap.count > Self.voidEntries, heap.count > 2 * entries.count else { return }
        heap = Heap(heap.unordered.filter { entries[$0.key]?.stamp == $0.stamp })
    }
}
