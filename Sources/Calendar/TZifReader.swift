// Reads compiled zones: TZif (RFC 9636, before it RFC 8536), version 2 or later: a table of transitions in 64-bit seconds and
// a rule for what comes after. The 32-bit table before it is skipped. No bytes at all may trap here.

extension ZoneRules {
    /// The largest file that is read, in bytes; the largest zone has 4 KB.
    public static let maximumSize = 64 << 10

    /// From the bytes of a TZif file.
    public init(tzif bytes: [UInt8]) throws(CalendarParseError) {
        guard bytes.count <= Self.maximumSize else {
            throw CalendarParseError(
                offset: Self.maximumSize, message: "expected at most \(Self.maximumSize) bytes, found \(bytes.count)")
        }
        var reader = TZifReader(bytes: bytes)
        self = try reader.rules()
    }
}

struct TZifReader {
    let bytes: [UInt8]
    private var position = 0

    init(bytes: [UInt8]) {
        self.bytes = bytes
    }

    private struct Header {
        var version: UInt8
        var isUTCount: Int
        var isStandardCount: Int
        var leapCount: Int
        var timeCount: Int
        var typeCount: Int
        var characterCount: Int

        /// Of the data that follows, with times of so many bytes.
        func size(timeWidth: Int) -> Int {
            timeCount * (timeWidth + 1) + typeCount * 6 + characterCount + leapCount * (timeWidth + 4)
                + isStandardCount + isUTCount
        }
    }

    mutating func rules() throws(CalendarParseError) -> ZoneRules {
        let old = try header()
        guard old.version >= UInt8(ascii: "2") else { throw expected("version 2 or later", found: "version 1") }
        try skip(old.size(timeWidth: 4))
        let header = try header()
        guard bytes.count - position >= header.size(timeWidth: 8) else {
            throw expected("\(header.size(timeWidth: 8)) bytes of data", found: "\(bytes.count - position)")
        }
        guard header.leapCount == 0 else { throw expected("no leap seconds", found: "\(header.leapCount)") }
        guard header.typeCount > 0 else { throw expected("a kind of local time", found: "none") }
        let end = position + header.size(timeWidth: 8)
        let (first, transitions) = try table(header)
        position = end
        return ZoneRules(firstOffset: first, transitions: transitions, footer: try footer())
    }

    private mutating func header() throws(CalendarParseError) -> Header {
        guard bytes.count - position >= 44, bytes[position..<position + 4].elementsEqual("TZif".utf8) else {
            throw expected("a header that begins with TZif", found: "something else")
        }
        let version = bytes[position + 4]
        position += 20
        // Four bytes each: sums and products of them stay far inside 64 bits.
        let counts = (0..<6).map { _ in Int(big(4)) }
        return Header(
            version: version, isUTCount: counts[0], isStandardCount: counts[1], leapCount: counts[2],
            timeCount: counts[3], typeCount: counts[4], characterCount: counts[5])
    }

    /// The offset before the first transition, which is that of type 0, and the transitions.
    private mutating func table(_ header: Header) throws(CalendarParseError) -> (Int64, [ZoneTransition]) {
        let start = position
        let instants = (0..<header.timeCount).map { _ in Int64(bitPattern: big(8)) }
        let indices = (0..<header.timeCount).map { _ in Int(big(1)) }
        var offsets: [Int64] = []
        for _ in 0..<header.typeCount {
            let offset = Int64(Int32(bitPattern: UInt32(big(4))))
            guard Self.offsets.contains(offset) else {
                throw expected("an offset within 26 hours", found: "\(offset) s")
            }
            offsets.append(offset)
            position += 2
        }
        var transitions: [ZoneTransition] = []
        transitions.reserveCapacity(header.timeCount)
        for (index, instant) in instants.enumerated() {
            guard indices[index] < offsets.count else {
                position = start + header.timeCount * 8 + index
                throw expected("a type below \(offsets.count)", found: "\(indices[index])")
            }
            guard Self.instants.contains(instant), transitions.last.map({ $0.instant < instant }) ?? true else {
                position = start + index * 8
                throw expected("times that go up", found: "\(instant)")
            }
            transitions.append(ZoneTransition(instant: instant, offset: offsets[indices[index]]))
        }
        return (offsets[0], transitions)
    }

    /// Between two ends of lines; nothing between them is no rule.
    private mutating func footer() throws(CalendarParseError) -> PosixZone? {
        let newline = UInt8(ascii: "\n")
        guard position < bytes.count, bytes[position] == newline else {
            throw expected("a line with the rule for later times", found: "none")
        }
        position += 1
        guard let end = bytes[position...].firstIndex(of: newline) else {
            throw expected("an end of the line of the rule for later times", found: "none")
        }
        guard end > position else { return nil }
        var reader = PosixZoneReader(bytes[position..<end], at: position)
        return try reader.zone()
    }

    /// What RFC 9636 recommends, and more than any zone ever had.
    private static let offsets: ClosedRange<Int64> = -93_600...93_600
    /// Old compilers begin with the Big Bang, -2^59.
    private static let instants = -(Int64(1) << 59)...(Int64(1) << 40)

    /// A big-endian number; the caller knows that the bytes are there.
    private mutating func big(_ count: Int) -> UInt64 {
        defer { position += count }
        return bytes[position..<position + count].reduce(0) { $0 << 8 | UInt64($1) }
    }

    private mutating func skip(_ count: Int) throws(CalendarParseError) {
        guard bytes.count - position >= count else {
            throw expected("\(count) bytes of data", found: "\(bytes.count - position)")
        }
        position += count
    }

    private func expected(_ what: String, found: String) -> CalendarParseError {
        CalendarParseError(offset: position, message: "expected \(what), found \(found)")
    }
}
