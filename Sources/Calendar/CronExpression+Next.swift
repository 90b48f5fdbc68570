// The next time of an expression: field by field, never second by second. A zone is walked in segments of one offset to UTC;
// within one, local time runs straight.

public import Model

extension CronExpression {
    /// How far ahead is looked: 29 February falls on a certain weekday at least once in 40 years.
    public static let horizon: Duration = .seconds(41 * 366 * 86_400)

    /// The first time after `time`, or nil if none comes within `horizon` or before the year 10000.
    public func next(after time: Timestamp, in zone: ZoneRules) -> Timestamp? {
        var instant = max(time.milliseconds.flooredQuotient(1000) + 1, Timestamp.firstSecond)
        let end = min(instant + Self.horizon.components.seconds, Timestamp.lastSecond)
        while instant <= end {
            let segment = zone.segment(at: instant)
            if let found = next(from: instant, in: segment) {
                return found <= end ? Timestamp(milliseconds: found * 1000) : nil
            }
            instant = segment.end
        }
        return nil
    }

    private func next(from instant: Int64, in segment: ZoneSegment) -> Int64? {
        // Where local time stood, by the offset before, when this segment began.
        let left = segment.start + segment.previousOffset
        let entered = segment.start + segment.offset
        var local = instant + segment.offset
        if isHourFixed {
            if instant == segment.start, left < entered, nextLocal(from: left, before: entered) != nil {
                return instant
            }
            local = max(local, min(left, segment.end + segment.offset))
        }
        return nextLocal(from: local, before: segment.end + segment.offset).map { $0 - segment.offset }
    }

    // MARK: local time, in seconds as if it were UTC

    private func nextLocal(from start: Int64, before end: Int64) -> Int64? {
        guard start < end else { return nil }
        var number = start.flooredQuotient(86_400)
        var date = CivilDay(number: number)
        if hasDay(date, number), let clock = nextClock(from: Int(start - number * 86_400)) {
            let found = number * 86_400 + clock
            return found < end ? found : nil
        }
        let clock = firstClock
        date.day += 1
        number += 1
        while number * 86_400 < end {
            if let days = matchingDays(ofMonth: date, from: number) {
                let found = (number + Int64(days)) * 86_400 + clock
                return found < end ? found : nil
            }
            number += Int64(CivilDay.days(inMonth: date.month, of: date.year) - date.day + 1)
            date = CivilDay(
                year: date.month == 12 ? date.year + 1 : date.year, month: date.month == 12 ? 1 : date.month + 1, day: 1
            )
        }
        return nil
    }

    private func hasDay(_ date: CivilDay, _ number: Int64) -> Bool {
        guard months & (1 << date.month) != 0 else { return false }
        let isDay = daysOfMonth & (1 << date.day) != 0
        let isWeekday = weekdays & (1 << CivilDay.weekday(number)) != 0
        return isEitherDay ? isDay || isWeekday : isDay && isWeekday
    }

    /// How many days after `date`, whose number is `number`, the first of its month is that this expression has. The day of
    /// `date` may be one past its month's last.
    private func matchingDays(ofMonth date: CivilDay, from number: Int64) -> Int? {
        let count = CivilDay.days(inMonth: date.month, of: date.year)
        guard months & (1 << date.month) != 0, date.day <= count else { return nil }
        // From here on, bit 0 is the day of `date`.
        let days = daysOfMonth >> date.day
        let matching = isEitherDay ? days | weekdays(from: number) : days & weekdays(from: number)
        let ahead = matching.trailingZeroBitCount
        return date.day + ahead <= count ? ahead : nil
    }

    /// The weekdays of the next six weeks, from the day of that number on.
    private func weekdays(from number: Int64) -> UInt64 {
        let sevenWeeks = weekdays * 0x0408_1020_4081
        return sevenWeeks >> UInt64(CivilDay.weekday(number))
    }

    private var firstClock: Int64 {
        Int64(
            hours.trailingZeroBitCount * 3600 + minutes.trailingZeroBitCount * 60 + seconds.trailingZeroBitCount)
    }

    /// The first time of day, in seconds, that is not before `clock`.
    private func nextClock(from clock: Int) -> Int64? {
        let (hour, minute, second) = (clock / 3600, clock / 60 % 60, clock % 60)
        let firstMinute = minutes.trailingZeroBitCount
        let firstSecond = seconds.trailingZeroBitCount
        if hours & (1 << hour) != 0 {
            if minutes & (1 << minute) != 0, let next = seconds.bit(from: second) {
                return Int64(hour * 3600 + minute * 60 + next)
            }
            if let next = minutes.bit(from: minute + 1) { return Int64(hour * 3600 + next * 60 + firstSecond) }
        }
        return hours.bit(from: hour + 1).map { Int64($0 * 3600 + firstMinute * 60 + firstSecond) }
    }
}

extension UInt64 {
    /// The lowest bit set that is not below `position`, which is at most 63.
    fileprivate func bit(from position: Int) -> Int? {
        let rest = self >> UInt64(position)
        return rest == 0 ? nil : position + rest.trailingZeroBitCount
    }
}
