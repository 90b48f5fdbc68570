// Looks at what can be seen at once, one look at a time: a value that is noted later was seen later.
//
// A file system that does not answer holds a thread for ever. That thread is left behind with the field that it looks at,
// which is an error as long as it hangs, and the look begins anew on another thread; so one dead mount hides nothing else.
// Only so many threads can be left behind; with all of them gone, looks wait.

internal import Model
internal import Synchronization

package final class Eyes: Sendable {
    /// How long one field may take.
    package static let patience: Duration = .seconds(5)
    /// How many fields may hang at the same time.
    package static let mostHanging = 4

    private struct State {
        /// Counts the looks: a thread that was left behind has an older number.
        var number = 0
        var current: (target: FieldTarget, since: ContinuousClock.Instant)?
        var hanging: Set<FieldTarget> = []
    }

    private let patience: Duration
    private let lane = AsyncLane()
    private let pool = WorkerPool(name: "observe", maximum: Eyes.mostHanging + 1)
    private let state = Mutex(State())

    package init(patience: Duration) {
        self.patience = patience
    }

    package var threads: Int { pool.threads }

    /// Runs the body on a thread, anew where something in it hangs; returns when it has ended, or the task is cancelled.
    package func look(_ body: @escaping @Sendable (Glance) -> Void) async {
        await lane.run {
            while !Task.isCancelled, await !isDone(body) {}
        }
    }

    /// Whether the body came to its end: otherwise its thread was left behind.
    private func isDone(_ body: @escaping @Sendable (Glance) -> Void) async -> Bool {
        let number = state.withLock { state in
            state.number += 1
            state.current = nil
            return state.number
        }
        let glance = Glance(eyes: self, number: number)
        return await withTaskGroup(of: Bool.self) { [pool, patience] group in
            defer { group.cancelAll() }
            group.addTask { await pool.runUnlessCancelled { body(glance) } != nil }
            while true {
                group.addTask {
                    try? await Task.sleep(for: patience)
                    return false
                }
                if await group.next() == true || Task.isCancelled { return true }
                if leavesBehind(number) { return false }
            }
        }
    }

    private func leavesBehind(_ number: Int) -> Bool {
        state.withLock { state in
            guard state.number == number, let current = state.current, current.since + patience <= .now,
                state.hanging.count < Self.mostHanging
            else { return false }
            state.hanging.insert(current.target)
            state.number += 1
            return true
        }
    }

    fileprivate func isPresent(_ number: Int) -> Bool { state.withLock { $0.number == number } }

    fileprivate func value(of target: FieldTarget, _ number: Int, _ look: () -> String) -> String {
        let isHanging = state.withLock { state in
            guard !state.hanging.contains(target) else { return true }
            if state.number == number { state.current = (target, .now) }
            return false
        }
        guard !isHanging else { return FieldValue.error("no answer from \(target.key.name)") }
        let value = look()
        state.withLock { state in
            if state.number == number { state.current = nil } else { state.hanging.remove(target) }
        }
        return value
    }
}

/// One look, on one thread.
package struct Glance: Sendable {
    fileprivate let eyes: Eyes
    fileprivate let number: Int

    /// What `look` sees at a field, or an error if that hangs.
    package func value(of target: FieldTarget, _ look: () -> String) -> String {
        eyes.value(of: target, number, look)
    }

    /// Whether what was seen still counts: not if this thread was left behind meanwhile.
    package var isPresent: Bool { eyes.isPresent(number) }
}
