// When the next report of the server is due. Pure: time is an argument.

package struct ReportPace: Sendable {
    package var interval: Duration
    private var due: ContinuousClock.Instant
    private var retry = StoreRetry()

    package init(interval: Duration, start: ContinuousClock.Instant) {
        self.interval = interval
        due = start
    }

    /// The store has the report: the next is due an interval after this one was (or was made, if that is earlier), or at
    /// once if that has passed.
    package mutating func afterReport(at now: ContinuousClock.Instant) -> ContinuousClock.Instant {
        retry.reset()
        due = max(min(due, now) + interval, now)
        return due
    }

    /// A try that reached nobody takes no turn: after an outage the next report is due as ever.
    package mutating func afterMiss(at now: ContinuousClock.Instant) -> ContinuousClock.Instant { now + retry.wait() }
}
