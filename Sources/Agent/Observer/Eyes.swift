// Looks at what can be seen at once, one look at a time: a value that is noted later was seen later.
//
// A file system that does not answer holds a thread for ever. That thread is left behind with the field that it looks at,
// and the look begins anew on another thread. As long as it hangs, this field is an error, and so is all that is in the
// same folder or below it: that is on the same mount, and one thread for it is enough. Only so many can be left behind:
// where more folders hang, looks wait.

internal import Model
internal import Synchronization

package final class Eyes: Sendable {
    /// How long one field may take.
    package static let patience: Duration = .seconds(5)
    /// How many fields may hang at the same time, each in a folder of its own.
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
        let mayLook = state.withLock { state in
            // A thread that was left behind and comes back would hang uncounted.
            guard state.number == number, !state.hanging.contains(where: { Self.hides($0, target) }) else {
                return false
            }
            state.current = (target, .now)
            return true
        }
        guard mayLook else { return FieldValue.error("no answer from \(target.key.name)") }
        let value = look()
        state.withLock { state in
            if state.number == number { state.current = nil } else { state.hanging.remove(target) }
        }
        return value
    }

    /// Whether a field hangs as well where another one does.
    private static func hides(_ hanging: FieldTarget, _ target: FieldTarget) -> Bool {
        guard let dead = path(of: hanging), let path = path(of: target) else { return hanging == target }
        let folder = dead.lastIndex(of: "/").map { dead[..<$0] } ?? ""
        // In the root folder itself only what hangs: a mount there is not the root.
        let top = folder.isEmpty ? dead[...] : folder
        return path == top || path.hasPrefix(top + "/")
    }

    /// What of the file system is looked at; nil for nothing.
    private static func path(of target: FieldTarget) -> String? {
        switch target.key.kind {
        case .file, .directory: return target.key.name
        case .package: return DpkgStatus.path
        default:
            guard case .command(let spec)? = target.spec else { return nil }
            return spec.creates
        }
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
