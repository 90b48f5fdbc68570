// A clock that goes on only when a test says so.

import Controller
import Model
import Synchronization

final class ManualTime: MonotonicTime {
    private struct Sleeper {
        var until: Duration
        var continuation: CheckedContinuation<Void, Never>
    }

    private struct State {
        var now: Duration = .seconds(1000)
        var sleepers: [Int: Sleeper] = [:]
        var cancelled: Set<Int> = []
        var last = 0
    }

    private let state = Mutex(State())

    func now() -> Duration { state.withLock { $0.now } }

    /// The store's clock: the same, counted from an arbitrary date.
    @Sendable func timestamp() -> Timestamp { Timestamp(milliseconds: 1_800_000_000_000) + now() }

    func sleep(until instant: Duration) async {
        let number = state.withLock { state in
            state.last += 1
            return state.last
        }
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let isOver = state.withLock { state in
                    if state.now >= instant || state.cancelled.remove(number) != nil || Task.isCancelled { return true }
                    state.sleepers[number] = Sleeper(until: instant, continuation: continuation)
                    return false
                }
                if isOver { continuation.resume() }
            }
        } onCancel: {
            let sleeper = state.withLock { state in state.sleepers.removeValue(forKey: number) }
            sleeper?.continuation.resume()
        }
    }

    func advance(by duration: Duration) {
        let due = state.withLock { state in
            state.now += duration
            let due = state.sleepers.filter { $0.value.until <= state.now }
            for number in due.keys { state.sleepers[number] = nil }
            return due.sorted { ($0.value.until, $0.key) < ($1.value.until, $1.key) }
        }
        for sleeper in due { sleeper.value.continuation.resume() }
    }

    /// Lets time pass in small steps until the condition holds; false if it does not within `limit`.
    func pass(
        _ limit: Duration, step: Duration = .milliseconds(10), until condition: () async -> Bool
    ) async -> Bool {
        var passed: Duration = .zero
        while passed < limit {
            if await condition() { return true }
            await run()
            advance(by: step)
            passed += step
        }
        await run()
        return await condition()
    }

    /// Lets time pass, whatever happens.
    func pass(_ duration: Duration, step: Duration = .milliseconds(10)) async {
        _ = await pass(duration, step: step) { false }
    }

    /// Gives the tasks of the system under test their turns.
    private func run() async { for _ in 0..<100 { await Task.yield() } }
}
