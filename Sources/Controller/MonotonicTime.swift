// Time as the controller sees it: a monotonic clock that tests can hold still. The store's clock is derived from it.

package import Model
package import Store
import Synchronization

/// A clock that only goes forward. Its zero means nothing.
package protocol MonotonicTime: Sendable {
    func now() -> Duration
    /// Returns early, without throwing, when the task is cancelled.
    func sleep(until instant: Duration) async
}

extension MonotonicTime {
    package func sleep(for duration: Duration) async { await sleep(until: now() + duration) }
}

/// The machine's clock, which goes on while the machine is suspended.
package struct SystemTime: MonotonicTime {
    private let origin = ContinuousClock.now

    package init() {}

    package func now() -> Duration { origin.duration(to: .now) }

    package func sleep(until instant: Duration) async {
        try? await ContinuousClock().sleep(until: origin + instant, tolerance: .zero)
    }
}

/// The store's clock without asking it each time: the last answer, carried forward by the monotonic clock.
package final class StoreClock: Sendable {
    private struct Sample {
        var store: Timestamp
        var local: Duration
    }

    private let sample = Mutex<Sample?>(nil)
    private let time: any MonotonicTime

    package init(time: any MonotonicTime) {
        self.time = time
    }

    /// Takes the store's own answer. Half of the way there and back is taken to have passed since.
    package func synchronize(with store: any FeedStore) async throws(StoreError) {
        let asked = time.now()
        let answer = try await store.now()
        let answered = time.now()
        let middle = asked + (answered - asked) / 2
        sample.withLock { $0 = Sample(store: answer, local: middle) }
    }

    /// The store's time; nil before the first answer.
    package func now() -> Timestamp? {
        guard let sample = sample.withLock({ $0 }) else { return nil }
        return sample.store + (time.now() - sample.local)
    }

    /// When the store's clock will show `timestamp`, by the monotonic clock.
    package func local(_ timestamp: Timestamp) -> Duration {
        guard let sample = sample.withLock({ $0 }) else { return time.now() }
        return sample.local + (timestamp - sample.store)
    }
}
