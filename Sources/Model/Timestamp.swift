// Time is an argument everywhere; this is the one type it travels in. Values come from Redis `TIME`, so that all
// programs speak of one clock, or from a test.

/// A point in time: whole milliseconds since 1970-01-01T00:00:00Z, by the store's clock.
public struct Timestamp: Sendable, Hashable, Comparable {
    public var milliseconds: Int64

    public init(milliseconds: Int64) {
        self.milliseconds = milliseconds
    }

    public static func < (left: Timestamp, right: Timestamp) -> Bool { left.milliseconds < right.milliseconds }

    /// What leads out of range stays at its end: anybody may have written either.
    public static func + (left: Timestamp, right: Duration) -> Timestamp {
        let (sum, isOut) = left.milliseconds.addingReportingOverflow(right.wholeMilliseconds)
        return Timestamp(milliseconds: isOut ? left.milliseconds.end : sum)
    }

    /// The time from `right` to `left`, negative if `left` is the earlier; as far as it is in range.
    public static func - (left: Timestamp, right: Timestamp) -> Duration {
        let (difference, isOut) = left.milliseconds.subtractingReportingOverflow(right.milliseconds)
        return .milliseconds(isOut ? left.milliseconds.end : difference)
    }
}

extension Int64 {
    /// The end of the range on this number's side.
    fileprivate var end: Int64 { self < 0 ? .min : .max }
}

extension Duration {
    /// This duration in milliseconds, the rest cut off.
    public var wholeMilliseconds: Int64 {
        let (milliseconds, isOut) = components.seconds.multipliedReportingOverflow(by: 1000)
        guard !isOut else { return components.seconds.end }
        let (sum, isOver) = milliseconds.addingReportingOverflow(components.attoseconds / 1_000_000_000_000_000)
        return isOver ? milliseconds.end : sum
    }
}

extension Timestamp {
    /// RFC 3339 in UTC with milliseconds: `2026-11-21T05:54:00.123Z`. Algorithm: civil_from_days (Howard Hinnant,
    /// "chrono-Compatible Low-Level Date Algorithms").
    public var rfc3339: String {
        var days = milliseconds / 86_400_000
        var rest = milliseconds % 86_400_000
        if rest < 0 { (days, rest) = (days - 1, rest + 86_400_000) }
        let shifted = days + 719_468
        let era = (shifted >= 0 ? shifted : shifted - 146_096) / 146_097
        let dayOfEra = shifted - era * 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let monthIndex = (5 * dayOfYear + 2) / 153
        let day = dayOfYear - (153 * monthIndex + 2) / 5 + 1
        let month = monthIndex < 10 ? monthIndex + 3 : monthIndex - 9
        let year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
        let clock = [rest / 3_600_000, rest / 60_000 % 60, rest / 1000 % 60].map { Self.padded($0, 2) }
        return "\(Self.padded(year, 4))-\(Self.padded(month, 2))-\(Self.padded(day, 2))"
            + "T\(clock.joined(separator: ":")).\(Self.padded(rest % 1000, 3))Z"
    }

    private static func padded(_ value: Int64, _ width: Int) -> String {
        let digits = String(value)
        return String(repeating: "0", count: max(0, width - digits.count)) + digits
    }
}
