// The rule at the end of a TZif file for all times after its table: the `TZ` of POSIX, with the hours from -167 to 167 that
// RFC 9636 allows.

/// One offset, or two that take turns each year.
struct PosixZone: Sendable, Hashable {
    /// Seconds east of UTC, as everywhere here.
    var offset: Int64
    var saving: Saving?

    struct Saving: Sendable, Hashable {
        var offset: Int64
        /// In standard time.
        var begins: YearlyMoment
        /// In saving time.
        var ends: YearlyMoment
    }

    /// The stretch that a moment is in, which is not before that of the last transition: `last`.
    func segment(at instant: Int64, after last: ZoneSegment) -> ZoneSegment {
        guard let saving else {
            return ZoneSegment(start: last.start, end: last.end, offset: offset, previousOffset: last.previousOffset)
        }
        let year = CivilDay(number: (instant + offset).flooredQuotient(86_400)).year
        var before = ZoneTransition(instant: ZoneSegment.longAgo, offset: offset)
        var current = before
        for next in turns(saving, around: year) {
            if next.instant > instant {
                let isFirst = current.instant <= last.start
                return ZoneSegment(
                    start: isFirst ? last.start : current.instant, end: next.instant, offset: current.offset,
                    previousOffset: isFirst ? last.previousOffset : before.offset)
            }
            // Two at one moment (saving time all year) are no change.
            if next.instant > current.instant { before = current }
            current = next
        }
        // Only where the rule is nonsense, such as that of a damaged file.
        return ZoneSegment(
            start: last.start, end: ZoneSegment.never, offset: current.offset, previousOffset: last.previousOffset)
    }

    /// The transitions of three years, in order.
    private func turns(_ saving: Saving, around year: Int64) -> [ZoneTransition] {
        var turns: [ZoneTransition] = []
        turns.reserveCapacity(6)
        for year in (year - 1)...(year + 1) {
            let begin = ZoneTransition(instant: saving.begins.local(in: year) - offset, offset: saving.offset)
            let end = ZoneTransition(instant: saving.ends.local(in: year) - saving.offset, offset: offset)
            turns.append(begin.instant < end.instant ? begin : end)
            turns.append(begin.instant < end.instant ? end : begin)
        }
        return turns
    }
}

/// A day of each year, and a time of that day, by local time.
struct YearlyMoment: Sendable, Hashable {
    enum Day: Sendable, Hashable {
        /// `Jn`: 1…365, and 29 February is never counted.
        case julian(Int)
        /// `n`: 0…365.
        case ordinal(Int)
        /// `Mm.w.d`: the weekday `d` of week `w` of a month; week 5 is the last.
        case weekday(month: Int, week: Int, weekday: Int)
    }

    var day: Day
    /// Seconds after midnight; may be negative, or more than a day.
    var seconds: Int64

    /// In seconds since 1970-01-01T00:00:00 by local time.
    func local(in year: Int64) -> Int64 { dayNumber(in: year) * 86_400 + seconds }

    private func dayNumber(in year: Int64) -> Int64 {
        let newYear = CivilDay(year: year, month: 1, day: 1).number
        switch day {
        case .julian(let day): return newYear + Int64(day - 1 + (CivilDay.isLeap(year) && day >= 60 ? 1 : 0))
        case .ordinal(let day): return newYear + Int64(day)
        case .weekday(let month, let week, let weekday):
            let first = CivilDay(year: year, month: month, day: 1).number
            var day = (weekday - CivilDay.weekday(first) + 7) % 7 + (week - 1) * 7
            if day >= CivilDay.days(inMonth: month, of: year) { day -= 7 }
            return first + Int64(day)
        }
    }
}
