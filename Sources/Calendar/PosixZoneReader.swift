// Reads `CET-1CEST,M3.5.0,M10.5.0/3` and the like. Nothing in it is trusted: every number has its range.

struct PosixZoneReader {
    private let bytes: [UInt8]
    private var position = 0
    /// Where the text begins in its file, for errors.
    private let base: Int

    init(_ bytes: some Sequence<UInt8>, at base: Int) {
        self.bytes = Array(bytes)
        self.base = base
    }

    mutating func zone() throws(CalendarParseError) -> PosixZone {
        try name()
        // POSIX counts west of UTC.
        var zone = PosixZone(offset: -(try time(hours: 24)))
        if position < bytes.count {
            try name()
            var saved = zone.offset + 3600
            if peek != UInt8(ascii: ",") { saved = -(try time(hours: 24)) }
            zone.saving = PosixZone.Saving(offset: saved, begins: try moment(), ends: try moment())
        }
        guard position == bytes.count else { throw expected("the end of the rule") }
        return zone
    }

    /// `CET` or `<+0330>`; what it says is not kept.
    private mutating func name() throws(CalendarParseError) {
        let isQuoted = take("<")
        let start = position
        while let byte = peek, Self.isLetter(byte) || (isQuoted && Self.isSignOrDigit(byte)) { position += 1 }
        guard position - start >= 3, !isQuoted || take(">") else { throw expected("an abbreviation of a zone") }
    }

    private mutating func moment() throws(CalendarParseError) -> YearlyMoment {
        guard take(",") else { throw expected("',' and a day") }
        let day: YearlyMoment.Day
        if take("M") {
            let month = try number(1...12)
            guard take(".") else { throw expected("'.' and a week") }
            let week = try number(1...5)
            guard take(".") else { throw expected("'.' and a weekday") }
            day = .weekday(month: month, week: week, weekday: try number(0...6))
        } else if take("J") {
            day = .julian(try number(1...365))
        } else {
            day = .ordinal(try number(0...365))
        }
        return YearlyMoment(day: day, seconds: take("/") ? try time(hours: 167) : 2 * 3600)
    }

    /// `[+-]h[h[h]][:mm[:ss]]`, in seconds.
    private mutating func time(hours: Int) throws(CalendarParseError) -> Int64 {
        let isNegative = take("-")
        if !isNegative { _ = take("+") }
        var seconds = try number(0...hours) * 3600
        if take(":") {
            seconds += try number(0...59) * 60
            if take(":") { seconds += try number(0...59) }
        }
        return Int64(isNegative ? -seconds : seconds)
    }

    private mutating func number(_ range: ClosedRange<Int>) throws(CalendarParseError) -> Int {
        let start = position
        var value = 0
        while let byte = peek, Self.isDigit(byte), position - start < 4 {
            value = value * 10 + Int(byte - UInt8(ascii: "0"))
            position += 1
        }
        guard position > start, range.contains(value) else {
            position = start
            throw expected("a number of \(range.lowerBound) to \(range.upperBound)")
        }
        return value
    }

    private var peek: UInt8? { position < bytes.count ? bytes[position] : nil }

    private mutating func take(_ character: Unicode.Scalar) -> Bool {
        guard let peek, UInt32(peek) == character.value else { return false }
        position += 1
        return true
    }

    private func expected(_ what: String) -> CalendarParseError {
        let found = peek.map { "byte \($0)" } ?? "its end"
        return CalendarParseError(offset: base + position, message: "expected \(what), found \(found)")
    }

    private static func isDigit(_ byte: UInt8) -> Bool { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) }

    private static func isSignOrDigit(_ byte: UInt8) -> Bool {
        isDigit(byte) || byte == UInt8(ascii: "+") || byte == UInt8(ascii: "-")
    }

    private static func isLetter(_ byte: UInt8) -> Bool {
        (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte | 0x20)
    }
}
