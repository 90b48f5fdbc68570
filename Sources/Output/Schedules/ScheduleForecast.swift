// The next times of a Schedule, as `validate`, `get` and `describe` show them: in its own zone, with the offset that holds
// then, so that a change of the clocks is seen before it comes. Jitter is not in them.

package import Calendar
package import Model

package struct ScheduleForecast: Sendable, Hashable {
    /// How many times people are shown.
    package static let shown = 5

    package let times: [Timestamp]
    private let zone: ZoneRules

    /// An expression was checked when it was read; one that is none has no times.
    package init(
        _ trigger: TimeTrigger, after time: Timestamp, zones: ZoneDatabase, count: Int = Self.shown
    ) throws(ZoneError) {
        zone = try zones.rules(trigger.timeZone)
        var times: [Timestamp] = []
        if let expression = try? CronExpression(parsing: trigger.cron) {
            while times.count < count, let next = expression.next(after: times.last ?? time, in: zone) {
                times.append(next)
            }
        }
        self.times = times
    }

    /// `2026-11-29T02:30:00+01:00`.
    package var texts: [String] { times.map { $0.rfc3339(offset: zone.offset(at: $0)) } }
}

extension Timestamp {
    /// RFC 3339 with whole seconds and an offset.
    /// - Parameter offset: seconds east of UTC; what is not whole minutes is cut off, as RFC 3339 has no seconds there.
    package func rfc3339(offset: Int) -> String {
        let minutes = offset / 60
        let local = Timestamp(milliseconds: milliseconds + Int64(minutes) * 60_000).rfc3339
        let (hours, rest) = (abs(minutes) / 60, abs(minutes) % 60)
        let sign = minutes < 0 ? "-" : "+"
        return local.dropLast(".000Z".count) + sign + Self.twoDigits(hours) + ":" + Self.twoDigits(rest)
    }

    private static func twoDigits(_ value: Int) -> String { value < 10 ? "0\(value)" : "\(value)" }
}
