// The times of one Schedule with their moments: what its expression says, in its zone, moved by its jitter.

internal import Calendar
internal import Model

/// A time, and when it is due.
struct DueTime: Equatable {
    var time: Timestamp
    var moment: Timestamp
}

struct ScheduleTimes {
    let cron: CronExpression
    let zone: ZoneRules
    let jitter: ScheduleJitter

    func next(after time: Timestamp) -> DueTime? {
        guard let next = cron.next(after: time, in: zone) else { return nil }
        guard jitter.longest > .zero else { return DueTime(time: next, moment: next) }
        return DueTime(time: next, moment: jitter.moment(of: next, next: cron.next(after: next, in: zone)))
    }

    /// The newest times after `start` that are due at `now`, at most `count`, in order; and the first that is not due.
    ///
    /// Looks back from `now` in windows that double, so that a second's schedule after a year without a leader costs no more
    /// than it can fire.
    func due(after start: Timestamp, at now: Timestamp, atMost count: Int) -> (due: [DueTime], next: DueTime?) {
        var width: Duration = .seconds(2 * count)
        while true {
            let from = max(start, now + (.zero - width))
            let found = self.due(from: from, at: now)
            guard from > start, found.due.count < count else { return (found.due.suffix(count), found.next) }
            width = width * 4
        }
    }

    private func due(from start: Timestamp, at now: Timestamp) -> (due: [DueTime], next: DueTime?) {
        var due: [DueTime] = []
        var time = start
        while let next = next(after: time) {
            guard next.moment <= now else { return (due, next) }
            due.append(next)
            time = next.time
        }
        return (due, nil)
    }
}
