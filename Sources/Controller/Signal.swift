// "Something is there": raised by anybody, waited for by one task. Raises between two waits count as one.

import Synchronization

package final class Signal: Sendable {
    private enum State {
        case idle
        case raised
        case waiting(CheckedContinuation<Void, Never>)
    }

    private let state = Mutex<State>(.idle)

    package init() {}

    package func raise() {
        let waiter: CheckedContinuation<Void, Never>? = state.withLock { state in
            guard case .waiting(let continuation) = state else {
                state = .raised
                return nil
            }
            state = .idle
            return continuation
        }
        waiter?.resume()
    }

    /// Returns when raised, or when the task is cancelled. One task at a time.
    package func wait() async {
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let resumeNow = state.withLock { state in
                    switch state {
                    case .raised:
                        state = .idle
                        return true
                    case .idle where Task.isCancelled:
                        return true
                    case .idle:
                        state = .waiting(continuation)
                        return false
                    case .waiting:
                        preconditionFailure("a Signal has one waiter")
                    }
                }
                if resumeNow { continuation.resume() }
            }
        } onCancel: {
            release()
        }
    }

    /// Lets a waiter go without counting as a raise.
    private func release() {
        let waiter: CheckedContinuation<Void, Never>? = state.withLock { state in
            guard case .waiting(let continuation) = state else { return nil }
            state = .idle
            return continuation
        }
        waiter?.resume()
    }

    /// Returns when raised, when `instant` has come, or when the task is cancelled.
    package func wait(until instant: Duration?, time: any MonotonicTime) async {
        guard let instant else { return await wait() }
        if instant <= time.now() { return }
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await self.wait() }
            group.addTask { await time.sleep(until: instant) }
            await group.next()
            group.cancelAll()
        }
    }
}
