// Durations, percentages, octal modes and times, as they are written in manifests.

internal import Model

package enum DurationText {
    /// From the smallest to the largest.
    private static let units: [(name: String, milliseconds: Int64)] = [
        ("ms", 1), ("s", 1000), ("m", 60_000), ("h", 3_600_000),
    ]
    private static let mostDigits = 9

    /// `500ms`, `1s`, `5m`, `2h`: a whole number and one unit.
    static func parse(_ text: String) -> Duration? {
        let digits = text.utf8.prefix(while: Letters.isDigit)
        guard (1...mostDigits).contains(digits.count), let number = Int64(String(Substring(digits))) else { return nil }
        let unit = String(Substring(text.utf8.dropFirst(digits.count)))
        return units.first { $0.name == unit }.map { .milliseconds(number * $0.milliseconds) }
    }

    /// In the largest unit that gives a whole number.
    package static func text(_ duration: Duration) -> String {
        let total = duration.wholeMilliseconds
        let unit = units.last { total >= $0.milliseconds && total % $0.milliseconds == 0 } ?? units[0]
        return "\(total / unit.milliseconds)\(unit.name)"
    }
}

enum PercentText {
    /// `1%` to `100%`.
    static func parse(_ text: String) -> Int? {
        guard text.hasSuffix("%") else { return nil }
        let digits = text.dropLast()
        guard digits.utf8.first.map({ Letters.isDigit($0) && $0 != UInt8(ascii: "0") }) ?? false,
            let number = Int(digits), (1...100).contains(number)
        else { return nil }
        return number
    }
}

enum RFC3339 {
    /// `2026-11-30T08:00:00Z`, with an optional fraction, or an offset instead of `Z`. Leap seconds are not known.
    static func parse(_ text: String) -> Timestamp? {
        var reader = DigitReader(Array(text.utf8))
        guard let year = reader.number(4), reader.skip("-"), let month = reader.number(2), reader.skip("-"),
            let day = reader.number(2), reader.skip("T") || reader.skip("t"),
            let hour = reader.number(2), reader.skip(":"), let minute = reader.number(2), reader.skip(":"),
            let second = reader.number(2), let fraction = reader.fraction(), let offset = reader.offset(),
            reader.isAtEnd, (1...12).contains(month), day >= 1, day <= lastDay(year, month),
            hour < 24, minute < 60, second < 60
        else { return nil }
        let seconds = (daysSince1970(year, month, day) * 24 + hour) * 3600 + (minute - offset) * 60 + second
        return Timestamp(milliseconds: seconds * 1000 + fraction)
    }

    private static func lastDay(_ year: Int64, _ month: Int64) -> Int64 {
        switch month {
        case 2: year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) ? 29 : 28
        case 4, 6, 9, 11: 30
        default: 31
        }
    }

    /// Algorithm: days_from_civil (Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms").
    private static func daysSince1970(_ year: Int64, _ month: Int64, _ day: Int64) -> Int64 {
        let shifted = month <= 2 ? year - 1 : year
        let era = (shifted >= 0 ? shifted : shifted - 399) / 400
        let yearOfEra = shifted - era * 400
        let dayOfYear = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1
        let dayOfEra = yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear
        return era * 146_097 + dayOfEra - 719_468
    }
}

/// Reads fixed numbers of digits, and what stands between them.
private struct DigitReader {
    let bytes: [UInt8]
    var index = 0

    init(_ bytes: [UInt8]) { self.bytes = bytes }

    var isAtEnd: Bool { index == bytes.count }

    mutating func number(_ count: Int) -> Int64? {
        guard index + count <= bytes.count, bytes[index..<(index + count)].allSatisfy(Letters.isDigit) else {
            return nil
        }
        defer { index += count }
        return bytes[index..<(index + count)].reduce(0) { $0 * 10 + Int64($1 - UInt8(ascii: "0")) }
    }

    mutating func skip(_ letter: Unicode.Scalar) -> Bool {
        guard index < bytes.count, bytes[index] == UInt8(ascii: letter) else { return false }
        index += 1
        return true
    }

    /// Milliseconds; 0 where there is no fraction, nil where a point has no digits after it.
    mutating func fraction() -> Int64? {
        guard skip(".") else { return 0 }
        let digits = bytes[index...].prefix(while: Letters.isDigit)
        guard !digits.isEmpty else { return nil }
        index += digits.count
        let padded = (Array(digits) + Array("000".utf8)).prefix(3)
        return padded.reduce(0) { $0 * 10 + Int64($1 - UInt8(ascii: "0")) }
    }

    /// Minutes east of Greenwich.
    mutating func offset() -> Int64? {
        if skip("Z") || skip("z") { return 0 }
        let isEast = skip("+")
        guard isEast || skip("-"), let hours = number(2), skip(":"), let minutes = number(2), hours < 24, minutes < 60
        else { return nil }
        return (isEast ? 1 : -1) * (hours * 60 + minutes)
    }
}
