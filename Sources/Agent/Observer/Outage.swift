// The store is away, or is back: said once each, not with every call that fails.

package import Logging
package import Store
internal import Synchronization

package final class Outage: Sendable {
    private struct State {
        var since: ContinuousClock.Instant?
        var isTold = false
    }

    /// What is over sooner is nothing to tell: a connection that is made anew, a start at the same time as the store's.
    static let patience: Duration = .milliseconds(500)

    private let log: Logger
    private let state = Mutex(State())

    package init(log: Logger) {
        self.log = log
    }

    package func began(_ error: StoreError) {
        let isToBeTold = state.withLock { state in
            let since = state.since ?? .now
            state.since = since
            guard !state.isTold, .now - since >= Self.patience else { return false }
            state.isTold = true
            return true
        }
        guard isToBeTold else { return }
        log.warning(
            "the store does not answer; services are supervised, reports wait", metadata: ["reason": "\(error)"])
    }

    package func over() {
        let before = state.withLock { state in
            defer { state = State() }
            return state
        }
        guard before.isTold, let since = before.since else { return }
        log.notice("the store answers again", metadata: ["after": "\(ContinuousClock.now - since)"])
    }
}

/// Waits between tries to reach the store: short at first, because it is often only just starting.
package struct StoreRetry: Sendable {
    static let first: Duration = .milliseconds(20)
    static let longest: Duration = .milliseconds(500)

    private var next = StoreRetry.first

    package init() {}

    package mutating func reset() { next = Self.first }

    package mutating func wait() -> Duration {
        defer { next = min(next * 2, Self.longest) }
        return next
    }
}
