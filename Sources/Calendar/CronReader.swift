// Reads cron expressions and says exactly where one is wrong.

/// One field: its values as bits.
struct CronField {
    /// In bytes from the start of the expression.
    var offset: Int
    var values: UInt64
    /// It begins with `*`.
    var isStarred: Bool
}

struct CronFields {
    var seconds: CronField
    var minutes: CronField
    var hours: CronField
    var daysOfMonth: CronField
    var months: CronField
    var weekdays: CronField
}

struct CronReader {
    private let bytes: [UInt8]
    private var position = 0

    init(_ text: String) {
        bytes = Array(text.utf8)
    }

    mutating func fields() throws(CalendarParseError) -> CronFields {
        try checkText()
        skipBlanks()
        if peek == UInt8(ascii: "@") { return try macro() }
        let starts = self.starts()
        guard starts.count == 5 || starts.count == 6 else { throw wrongCount(starts) }
        let seconds =
            starts.count == 6
            ? try field(.second) : CronField(offset: position, values: 1, isStarred: false)
        return CronFields(
            seconds: seconds, minutes: try field(.minute), hours: try field(.hour), daysOfMonth: try field(.dayOfMonth),
            months: try field(.month), weekdays: try field(.weekday))
    }

    private func checkText() throws(CalendarParseError) {
        guard bytes.count <= CronExpression.maximumLength else {
            throw CalendarParseError(
                offset: CronExpression.maximumLength,
                message: "expected at most \(CronExpression.maximumLength) bytes, found \(bytes.count)")
        }
        if let offset = bytes.firstIndex(where: { ($0 < 0x20 && $0 != UInt8(ascii: "\t")) || $0 == 0x7f }) {
            let digits = String(bytes[offset], radix: 16, uppercase: true)
            throw CalendarParseError(
                offset: offset,
                message: "expected fields of a cron expression, found the control character U+00"
                    + (digits.count < 2 ? "0" : "") + digits)
        }
    }

    private mutating func macro() throws(CalendarParseError) -> CronFields {
        let start = position
        let name = rest(until: Self.isBlank).lowercased()
        guard let text = Self.macros.first(where: { $0.name == name })?.text else {
            throw expected("one of " + Self.macros.map(\.name).joined(separator: " "), at: start)
        }
        position = start + name.utf8.count
        skipBlanks()
        guard peek == nil else { throw expected("nothing after \(name)", at: position) }
        var reader = CronReader(text)
        return try reader.fields()
    }

    private static let macros = [
        (name: "@yearly", text: "0 0 1 1 *"), (name: "@annually", text: "0 0 1 1 *"),
        (name: "@monthly", text: "0 0 1 * *"), (name: "@weekly", text: "0 0 * * 0"),
        (name: "@daily", text: "0 0 * * *"), (name: "@midnight", text: "0 0 * * *"),
        (name: "@hourly", text: "0 * * * *"),
    ]

    private func starts() -> [Int] {
        bytes.indices.filter { !Self.isBlank(bytes[$0]) && ($0 == 0 || Self.isBlank(bytes[$0 - 1])) }
    }

    private func wrongCount(_ starts: [Int]) -> CalendarParseError {
        CalendarParseError(
            offset: starts.count > 6 ? starts[6] : bytes.count,
            message:
                "expected five fields (minute, hour, day of the month, month, weekday), or six with seconds first, found "
                + (starts.isEmpty ? "none" : "\(starts.count)"))
    }

    // MARK: one field

    private mutating func field(_ kind: CronFieldKind) throws(CalendarParseError) -> CronField {
        skipBlanks()
        var field = CronField(offset: position, values: 0, isStarred: peek == UInt8(ascii: "*"))
        repeat { field.values |= try item(kind) } while take(",")
        guard peek.map(Self.isBlank) ?? true else { throw expected("the end of the \(kind.name)", at: position) }
        return field
    }

    /// `*`, `a`, `a-b`, each with `/step`.
    private mutating func item(_ kind: CronFieldKind) throws(CalendarParseError) -> UInt64 {
        let start = position
        var range = kind.everything
        if !take("*") {
            let first = try value(kind)
            if take("-") {
                let last = try value(kind, after: first)
                guard first <= last else { throw expected("a range that does not run backwards", at: start) }
                range = first...last
            } else if peek != UInt8(ascii: "/") {
                range = first...first
            } else {
                guard first <= kind.everything.upperBound else { return try stepped(first...first, kind) }
                range = first...kind.everything.upperBound
            }
        }
        return try stepped(range, kind)
    }

    private mutating func stepped(
        _ range: ClosedRange<Int>, _ kind: CronFieldKind
    ) throws(CalendarParseError) -> UInt64 {
        var step = 1
        if take("/") {
            let start = position
            let steps = 1...kind.allowed.upperBound
            guard let number = number(), steps.contains(number) else {
                throw expected("a step of \(steps.lowerBound) to \(steps.upperBound)", at: start)
            }
            step = number
        }
        return stride(from: range.lowerBound, through: range.upperBound, by: step)
            .reduce(0) { $0 | 1 << (kind == .weekday ? $1 % 7 : $1) }
    }

    /// A number or a name. Sunday is 7 where it ends a range that began later in the week.
    private mutating func value(
        _ kind: CronFieldKind, after first: Int? = nil
    ) throws(CalendarParseError) -> Int {
        let start = position
        if let number = number() {
            guard kind.allowed.contains(number) else { throw expected(kind.expectation, at: start) }
            return number
        }
        let name = rest { !Self.isLetter($0) }.lowercased()
        guard let index = kind.names.firstIndex(of: name) else { throw expected(kind.expectation, at: start) }
        position += name.utf8.count
        let value = index + kind.allowed.lowerBound
        return kind == .weekday && value == 0 && first ?? 0 > 0 ? 7 : value
    }

    /// nil where no digit is, or more than anything can mean.
    private mutating func number() -> Int? {
        let start = position
        var value = 0
        while let byte = peek, (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) {
            position += 1
            value = min(value * 10 + Int(byte - UInt8(ascii: "0")), 1_000_000)
        }
        return position > start ? value : nil
    }

    // MARK: bytes

    private var peek: UInt8? { position < bytes.count ? bytes[position] : nil }

    private mutating func take(_ character: Unicode.Scalar) -> Bool {
        guard let peek, UInt32(peek) == character.value else { return false }
        position += 1
        return true
    }

    private mutating func skipBlanks() {
        while let peek, Self.isBlank(peek) { position += 1 }
    }

    private func rest(until isEnd: (UInt8) -> Bool) -> String {
        String(decoding: bytes[position...].prefix { !isEnd($0) }, as: UTF8.self)
    }

    /// What was found is the word that begins at the offset.
    private func expected(_ what: String, at offset: Int) -> CalendarParseError {
        let isEnd: (UInt8) -> Bool = { Self.isBlank($0) || $0 == UInt8(ascii: ",") }
        let word = bytes[offset...].prefix { !isEnd($0) }
        let found: String
        if !word.isEmpty {
            found = "'\(String(decoding: word, as: UTF8.self))'"
        } else {
            found = offset < bytes.count && bytes[offset] == UInt8(ascii: ",") ? "','" : "nothing"
        }
        return CalendarParseError(offset: offset, message: "expected \(what), found \(found)")
    }

    private static func isBlank(_ byte: UInt8) -> Bool { byte == UInt8(ascii: " ") || byte == UInt8(ascii: "\t") }

    private static func isLetter(_ byte: UInt8) -> Bool {
        (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte | 0x20)
    }
}

enum CronFieldKind {
    case second
    case minute
    case hour
    case dayOfMonth
    case month
    case weekday

    var name: String {
        switch self {
        case .second: "second"
        case .minute: "minute"
        case .hour: "hour"
        case .dayOfMonth: "day of the month"
        case .month: "month"
        case .weekday: "weekday"
        }
    }

    /// What `*` stands for.
    var everything: ClosedRange<Int> {
        switch self {
        case .second, .minute: 0...59
        case .hour: 0...23
        case .dayOfMonth: 1...31
        case .month: 1...12
        case .weekday: 0...6
        }
    }

    /// Sunday is 0 and 7.
    var allowed: ClosedRange<Int> { self == .weekday ? 0...7 : everything }

    /// The first stands for the lowest value.
    var names: [String] {
        switch self {
        case .month: ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"]
        case .weekday: ["sun", "mon", "tue", "wed", "thu", "fri", "sat"]
        default: []
        }
    }

    var expectation: String {
        let names = names
        let words = names.isEmpty ? "" : ", or \(names[0]) to \(names[names.count - 1])"
        let article = self == .hour ? "an" : "a"
        return "\(article) \(name) of \(allowed.lowerBound) to \(allowed.upperBound)\(words)"
    }
}
