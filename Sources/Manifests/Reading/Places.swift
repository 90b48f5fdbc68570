// From paths to lines and columns.

internal import JSON

/// A place in a text, both counted from 1, columns in Unicode scalars.
struct TextPlace: Hashable {
    var line = 1
    var column = 1

    init() {}

    /// The place behind these bytes, which begin a text.
    init(after bytes: some Sequence<UInt8>) {
        for byte in bytes { advance(over: byte) }
    }

    mutating func advance(over byte: UInt8) {
        if byte == UInt8(ascii: "\n") {
            line += 1
            column = 1
        } else if byte & 0xC0 != 0x80 {
            column += 1
        }
    }
}

/// The places of one manifest file.
struct Places {
    let file: String
    private let text: [UInt8]
    private let locator: JSONLocator

    init(_ source: ManifestSource) {
        file = source.name
        text = source.text
        locator = JSONLocator(source.text)
    }

    func origin(of path: [PathElement]) -> Origin {
        let place = locator.position(of: path)
        return Origin(file: file, line: place.line, column: place.column)
    }

    func error(_ finding: Finding) -> ManifestError {
        let place = origin(of: finding)
        return ManifestError(
            file: place.file, line: place.line, column: place.column, path: finding.path.dotted,
            message: finding.message, hint: finding.hint)
    }

    func warning(_ finding: Finding) -> ManifestWarning {
        let place = origin(of: finding)
        return ManifestWarning(
            file: place.file, line: place.line, column: place.column, path: finding.path.dotted,
            message: finding.message)
    }

    private func origin(of finding: Finding) -> Origin {
        switch finding.spot {
        case .value: return origin(of: finding.path)
        case .key:
            let place = locator.keyPosition(of: finding.path)
            return Origin(file: file, line: place.line, column: place.column)
        case .offset(let offset): return place(of: offset, inStringAt: finding.path)
        case .source(let file, let line, let column): return Origin(file: file, line: line, column: column)
        }
    }

    /// The place of the byte that is `offset` bytes into the string at a path. The literal is on one line, but an
    /// escape in it is longer than what it stands for.
    private func place(of offset: Int, inStringAt path: [PathElement]) -> Origin {
        var origin = origin(of: path)
        var literal = literal(at: origin)
        var decoded = 0
        // The quote.
        _ = literal.popFirst()
        origin.column += 1
        while decoded < offset, let (bytes, columns) = Self.character(&literal) {
            decoded += bytes
            origin.column += columns
        }
        return origin
    }

    private func literal(at origin: Origin) -> ArraySlice<UInt8> {
        var place = TextPlace()
        for (index, byte) in text.enumerated() {
            let isContinuation = byte & 0xC0 == 0x80
            if !isContinuation, (place.line, place.column) >= (origin.line, origin.column) { return text[index...] }
            place.advance(over: byte)
        }
        return []
    }

    /// Takes one character or escape from a literal: how many bytes it stands for, and how many columns it takes.
    private static func character(_ literal: inout ArraySlice<UInt8>) -> (bytes: Int, columns: Int)? {
        guard let first = literal.popFirst(), first != UInt8(ascii: "\"") else { return nil }
        if first & 0xC0 == 0x80 { return (1, 0) }
        guard first == UInt8(ascii: "\\") else { return (1, 1) }
        guard literal.popFirst() == UInt8(ascii: "u") else { return (1, 2) }
        let digits = String(decoding: literal.prefix(4), as: UTF8.self)
        literal = literal.dropFirst(4)
        switch Int(digits, radix: 16) ?? 0 {
        case ..<0x80: return (1, 6)
        case ..<0x800: return (2, 6)
        // Half of a pair, which as a whole is 4 bytes.
        case 0xD800...0xDFFF: return (2, 6)
        default: return (3, 6)
        }
    }
}
