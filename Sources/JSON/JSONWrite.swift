// Writing: the canonical form is what jansson writes under `JSON_SORT_KEYS|JSON_COMPACT`: no spaces, keys in the order of
// their bytes, everything outside of ASCII left as it is. It is written here and not by jansson, because that would build
// a tree of `json_t` only to walk it once, and because jansson writes 0.1 as 0.10000000000000001, which people would then
// see in Redis; this writes the shortest text that reads back as the same number. A test holds both writers to the same
// bytes over random documents without fractions, and to the same values over those with them.
//
// Caveat: JSON has no NaN and no infinity; they are written as null. No parsed document holds one.

extension JSONValue {
    /// The one text of this value: equal values have equal texts, so digests and comparisons can be taken of it.
    public var canonical: String { String(decoding: canonicalBytes, as: UTF8.self) }

    /// The canonical text as UTF-8.
    public var canonicalBytes: [UInt8] {
        var writer = JSONWriter(indent: nil)
        writer.write(self, depth: 0)
        return writer.bytes
    }

    /// A text for people: sorted keys, one member a line, no newline at the end.
    public func pretty(indent: Int = 2) -> String {
        var writer = JSONWriter(indent: indent)
        writer.write(self, depth: 0)
        return String(decoding: writer.bytes, as: UTF8.self)
    }
}

struct JSONWriter {
    /// Spaces for each level; `nil` for no white space at all.
    let indent: Int?
    var bytes: [UInt8] = []

    init(indent: Int?) { self.indent = indent }

    mutating func write(_ value: JSONValue, depth: Int) {
        switch value {
        case .null: bytes += "null".utf8
        case .bool(let value): bytes += (value ? "true" : "false").utf8
        case .int(let value): bytes += String(value).utf8
        case .double(let value): bytes += (value.isFinite ? value.description : "null").utf8
        case .string(let value): write(value)
        case .array(let elements): write(elements, depth: depth)
        case .object(let members): write(members, depth: depth)
        }
    }

    private mutating func write(_ elements: [JSONValue], depth: Int) {
        bytes.append(UInt8(ascii: "["))
        for (position, element) in elements.enumerated() {
            separate(first: position == 0, depth: depth + 1)
            write(element, depth: depth + 1)
        }
        if !elements.isEmpty { breakLine(depth: depth) }
        bytes.append(UInt8(ascii: "]"))
    }

    private mutating func write(_ members: [String: JSONValue], depth: Int) {
        bytes.append(UInt8(ascii: "{"))
        // Swift orders strings by their canonical decomposition, jansson by their bytes.
        let sorted = members.sorted { $0.key.utf8.lexicographicallyPrecedes($1.key.utf8) }
        for (position, member) in sorted.enumerated() {
            separate(first: position == 0, depth: depth + 1)
            write(member.key)
            bytes.append(UInt8(ascii: ":"))
            if indent != nil { bytes.append(UInt8(ascii: " ")) }
            write(member.value, depth: depth + 1)
        }
        if !members.isEmpty { breakLine(depth: depth) }
        bytes.append(UInt8(ascii: "}"))
    }

    private mutating func separate(first: Bool, depth: Int) {
        if !first { bytes.append(UInt8(ascii: ",")) }
        breakLine(depth: depth)
    }

    private mutating func breakLine(depth: Int) {
        guard let indent else { return }
        bytes.append(UInt8(ascii: "\n"))
        bytes.append(contentsOf: repeatElement(UInt8(ascii: " "), count: indent * depth))
    }

    private mutating func write(_ text: String) {
        bytes.append(UInt8(ascii: "\""))
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "\""): bytes += #"\""#.utf8
            case UInt8(ascii: "\\"): bytes += #"\\"#.utf8
            case 0x08: bytes += #"\b"#.utf8
            case 0x09: bytes += #"\t"#.utf8
            case 0x0A: bytes += #"\n"#.utf8
            case 0x0C: bytes += #"\f"#.utf8
            case 0x0D: bytes += #"\r"#.utf8
            case ..<0x20:
                bytes += #"\u00"#.utf8
                bytes += [byte < 0x10 ? UInt8(ascii: "0") : UInt8(ascii: "1"), Self.hexDigits[Int(byte & 15)]]
            default: bytes.append(byte)
            }
        }
        bytes.append(UInt8(ascii: "\""))
    }

    private static let hexDigits = Array("0123456789ABCDEF".utf8)
}
