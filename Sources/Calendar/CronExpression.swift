// When something is run, as people have written it for fifty years: `30 2 * * mon-fri`. This file has what an expression
// means; `CronReader` reads it, `CronExpression+Next` finds its times.

/// A set of local times: five fields (minute, hour, day of the month, month, weekday), or six with seconds first.
///
/// Guarantees:
/// - Days: where day of the month and weekday are both restricted, a day that either names is meant (POSIX, "crontab").
///   A field that begins with `*` is not restricted, also `*/2`; then both must hold (Vixie cron, crontab(5)).
/// - A fixed hour (the hour field does not begin with `*`): each local time comes once. One that the clocks jump over comes
///   at the first moment after the gap, together with all others of that gap; one that comes twice counts the first time.
/// - Any hour (`*`, `*/2`): the times follow what elapses. They come again in an hour that is repeated, and those that are
///   jumped over are not made up for. (Vixie cron's wildcard jobs.)
/// - An expression that can never come is not one: reading it fails.
public struct CronExpression: Sendable, Hashable, CustomStringConvertible {
    /// The longest text, in UTF-8 bytes.
    public static let maximumLength = 256

    /// As it was written.
    public let description: String
    /// One bit for each value.
    let seconds: UInt64
    let minutes: UInt64
    let hours: UInt64
    let daysOfMonth: UInt64
    let months: UInt64
    /// 0 is Sunday, 6 is Saturday.
    let weekdays: UInt64
    let isHourFixed: Bool
    /// Either of the fields for days is enough.
    let isEitherDay: Bool

    public init(parsing text: String) throws(CalendarParseError) {
        var reader = CronReader(text)
        let fields = try reader.fields()
        description = text
        seconds = fields.seconds.values
        minutes = fields.minutes.values
        hours = fields.hours.values
        daysOfMonth = fields.daysOfMonth.values
        months = fields.months.values
        weekdays = fields.weekdays.values
        isHourFixed = !fields.hours.isStarred
        isEitherDay = !fields.daysOfMonth.isStarred && !fields.weekdays.isStarred
        guard isEitherDay || Self.canCome(days: daysOfMonth, in: months) else {
            let day = daysOfMonth.trailingZeroBitCount
            throw CalendarParseError(
                offset: fields.daysOfMonth.offset,
                message: "expected a day of the month that one of these months has, found \(day)")
        }
    }

    private static func canCome(days: UInt64, in months: UInt64) -> Bool {
        let first = days.trailingZeroBitCount
        // 2000 is a leap year.
        return (1...12).contains { months & (1 << $0) != 0 && first <= CivilDay.days(inMonth: $0, of: 2000) }
    }
}
