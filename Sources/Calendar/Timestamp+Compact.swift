// Times as they stand in the ids of runs: no separators, whole seconds.

public import Model

extension Timestamp {
    /// `20261128T020000Z`: in UTC, rounded down to the second; what lies outside the years 0 to 9999 is written as their end.
    public var compact: String {
        let second = min(max(milliseconds.flooredQuotient(1000), Self.firstSecond), Self.lastSecond)
        let number = second.flooredQuotient(86_400)
        let rest = Int(second - number * 86_400)
        let day = CivilDay(number: number)
        var text: [UInt8] = []
        text.reserveCapacity(16)
        for (value, width) in [(Int(day.year), 4), (day.month, 2), (day.day, 2)] { text.append(value, width: width) }
        text.append(UInt8(ascii: "T"))
        for value in [rest / 3600, rest / 60 % 60, rest % 60] { text.append(value, width: 2) }
        text.append(UInt8(ascii: "Z"))
        return String(decoding: text, as: UTF8.self)
    }

    /// Reads what `compact` writes, and nothing else.
    public init?(compact text: String) {
        let bytes = Array(text.utf8)
        guard bytes.count == 16, bytes[8] == UInt8(ascii: "T"), bytes[15] == UInt8(ascii: "Z"),
            let year = Self.number(bytes[0..<4]), let month = Self.number(bytes[4..<6]),
            let day = Self.number(bytes[6..<8]), let hour = Self.number(bytes[9..<11]),
            let minute = Self.number(bytes[11..<13]), let second = Self.number(bytes[13..<15]),
            (1...12).contains(month), hour < 24, minute < 60, second < 60,
            (1...CivilDay.days(inMonth: month, of: Int64(year))).contains(day)
        else { return nil }
        let number = CivilDay(year: Int64(year), month: month, day: day).number
        self.init(milliseconds: (number * 86_400 + Int64(hour * 3600 + minute * 60 + second)) * 1000)
    }

    private static func number(_ digits: ArraySlice<UInt8>) -> Int? {
        var value = 0
        for digit in digits {
            guard (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(digit) else { return nil }
            value = value * 10 + Int(digit - UInt8(ascii: "0"))
        }
        return value
    }

    /// 0000-01-01T00:00:00Z and 9999-12-31T23:59:59Z, in seconds.
    static let firstSecond: Int64 = -62_167_219_200
    static let lastSecond: Int64 = 253_402_300_799
}

extension [UInt8] {
    fileprivate mutating func append(_ value: Int, width: Int) {
        var divisor = 1
        for _ in 1..<width { divisor *= 10 }
        while divisor > 0 {
            append(UInt8(ascii: "0") + UInt8(value / divisor % 10))
            divisor /= 10
        }
    }
}
