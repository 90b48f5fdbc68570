// Waits for a wake-up or for a time, whichever comes first. A wake-up carries nothing: any number of them before the next
// wait are one, and none is lost between two waits. One waiter at a time.

internal import Synchronization

package final class Alarm: Sendable {
    private struct State {
        var rung = false
        /// Tells a timer of an earlier wait that it is late.
        var round = 0
        var waiter: CheckedContinuation<Void, Never>?
    }

    private let state = Mutex(State())

    package init() {}

    package func ring() {
        let waiter = state.withLock { state in
            if state.waiter == nil { state.rung = true }
            return Self.take(&state)
        }
        waiter?.resume()
    }

    /// Returns when it rings, at the deadline, or when the task is cancelled.
    package func wait(until deadline: ContinuousClock.Instant?) async {
        let round = state.withLock { $0.round }
        let timer = deadline.map { deadline in
            Task {
                try? await Task.sleep(until: deadline, clock: .continuous)
                self.end(round)
            }
        }
        await withTaskCancellationHandler {
            await withCheckedContinuation { sleep($0) }
        } onCancel: {
            ring()
        }
        timer?.cancel()
    }

    private func sleep(_ continuation: CheckedContinuation<Void, Never>) {
        let isRung = state.withLock { state in
            if state.rung || Task.isCancelled {
                state.rung = false
                state.round += 1
                return true
            }
            state.waiter = continuation
            return false
        }
        if isRung { continuation.resume() }
    }

    /// The time of one wait is over; the wait may not even have begun.
    private func end(_ round: Int) {
        let waiter = state.withLock { state in
            guard state.round == round, !Task.isCancelled else { return nil as CheckedContinuation<Void, Never>? }
            if state.waiter == nil { state.rung = true }
            return Self.take(&state)
        }
        waiter?.resume()
    }

    private static func take(_ state: inout State) -> CheckedContinuation<Void, Never>? {
        guard let waiter = state.waiter else { return nil }
        state.waiter = nil
        state.round += 1
        return waiter
    }
}
