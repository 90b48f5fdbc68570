// The queue's five rules, by a fuzzer that knows a simple model of them (after controller-runtime's priority queue fuzz).

import Controller
import TestSeeds
import Testing

private struct Key: WorkKey {
    var number: Int
    var seed: UInt64 { UInt64(number) }
}

/// What the rules say, without any cleverness.
private struct Model {
    var waiting: [Key: (due: Duration, priority: WorkPriority)] = [:]
    var running: [Key: (due: Duration, priority: WorkPriority)?] = [:]

    mutating func add(_ key: Key, due: Duration, priority: WorkPriority) {
        let wanted = (due: due, priority: priority)
        if let again = running[key] {
            running[key] = .some(Self.merged(again, wanted))
        } else {
            waiting[key] = Self.merged(waiting[key], wanted)
        }
    }

    static func merged(
        _ old: (due: Duration, priority: WorkPriority)?, _ new: (due: Duration, priority: WorkPriority)
    ) -> (due: Duration, priority: WorkPriority) {
        guard let old else { return new }
        return (min(old.due, new.due), min(old.priority, new.priority))
    }
}

@Suite struct WorkQueueTests {
    private static let backoff = Backoff(base: .milliseconds(50), maximum: .seconds(5))

    @Test(arguments: 0..<40) func `a fuzzer finds no breach of the five rules`(round: Int) {
        var numbers = SeededGenerator(seed: UInt64(round) + 1)
        var queue = WorkQueue<Key>(backoff: Self.backoff)
        var model = Model()
        var now: Duration = .zero
        for step in 0..<3000 {
            let key = Key(number: Int.random(in: 0..<20, using: &numbers))
            switch Int.random(in: 0..<10, using: &numbers) {
            case 0...3:
                let due = now + .milliseconds(Int.random(in: -5...30, using: &numbers))
                let priority: WorkPriority = Bool.random(using: &numbers) ? .change : .resync
                queue.add(key, due: due, priority: priority, now: now)
                model.add(key, due: max(due, .zero), priority: priority)
            case 4...6:
                take(&queue, &model, now, "seed \(round + 1), step \(step)")
            case 7...8:
                guard let running = model.running.keys.sorted(by: { $0.number < $1.number }).first else { continue }
                queue.finish(running, .settled, now: now)
                if let again = model.running.removeValue(forKey: running) ?? nil { model.waiting[running] = again }
            default:
                now += .milliseconds(Int.random(in: 0...20, using: &numbers))
            }
            #expect(queue.waitingCount == model.waiting.count, "seed \(round + 1), step \(step)")
            #expect(queue.runningCount == model.running.count, "seed \(round + 1), step \(step)")
        }
        drain(&queue, &model, now)
    }

    private func take(_ queue: inout WorkQueue<Key>, _ model: inout Model, _ now: Duration, _ place: String) {
        let due = model.waiting.filter { $0.value.due <= now }
        guard let key = queue.next(now: now) else {
            #expect(due.isEmpty, "nothing was lost: \(place)")
            return
        }
        #expect(model.running[key] == nil, "never twice at once: \(place)")
        #expect(due[key] != nil, "not before its time: \(place)")
        let hasChange = due.contains { $0.value.priority == .change }
        #expect(!hasChange || due[key]?.priority == .change, "changes first: \(place)")
        model.waiting[key] = nil
        model.running[key] = .some(nil)
    }

    private func drain(_ queue: inout WorkQueue<Key>, _ model: inout Model, _ start: Duration) {
        let now = start + .seconds(60)
        for key in Array(model.running.keys) {
            queue.finish(key, .settled, now: now)
            if let again = model.running.removeValue(forKey: key) ?? nil { model.waiting[key] = again }
        }
        while !model.waiting.isEmpty, model.running.count < 100 { take(&queue, &model, now, "drain") }
        #expect(queue.next(now: now) == nil)
    }

    @Test func `a failure waits longer each time, the same in every replay, and a change ends the wait`() {
        var queue = WorkQueue<Key>(backoff: Self.backoff)
        let key = Key(number: 7)
        queue.add(key, due: .zero, priority: .change, now: .zero)
        var now: Duration = .zero
        var waits: [Duration] = []
        for _ in 0..<5 {
            #expect(queue.next(now: now) == key)
            queue.finish(key, .failed, now: now)
            let due = queue.nextDue(now: now) ?? .zero
            waits.append(due - now)
            now = due
        }
        for (attempt, wait) in waits.enumerated() {
            #expect(wait == Self.backoff.wait(attempt: attempt + 1, seed: 7))
            #expect(wait >= .milliseconds(25 << attempt) && wait <= .milliseconds(50 << attempt))
        }
        queue.add(key, due: now, priority: .change, now: now)
        #expect(queue.next(now: now) == key)
    }

    @Test func `heap entries made void by earlier times are swept out`() {
        var queue = WorkQueue<Key>(backoff: Self.backoff)
        for number in 0..<10_000 {
            queue.add(Key(number: 1), due: .seconds(20_000 - number), priority: .change, now: .zero)
        }
        #expect(queue.count == 1)
        #expect(queue.next(now: .seconds(10_001)) == Key(number: 1))
        #expect(queue.next(now: .seconds(30_000)) == nil)
    }
}
