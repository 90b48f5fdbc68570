// What is checked on the bytes before jansson sees them. Nesting: jansson's own bound is 2048, which is deeper than the
// stack of a small thread allows our copying, comparing and freeing of the value. NUL: jansson ends its buffer with one,
// and silently skips those that stand between tokens. A byte order mark, which nobody sees, is called by its name.

enum JSONPrescan {
    private static let byteOrderMark: [UInt8] = [0xEF, 0xBB, 0xBF]

    /// The first thing in a text that jansson would let pass; `nil` if there is none. A text that is no JSON may pass.
    static func error(in bytes: [UInt8], maximumDepth: Int) -> JSONError? {
        if bytes.starts(with: byteOrderMark) {
            return error(at: 0, in: bytes, "it begins with a byte order mark; save it without a byte order mark")
        }
        if let offset = bytes.firstIndex(of: 0) {
            return error(at: offset, in: bytes, "NUL byte")
        }
        if let offset = firstTooDeep(in: bytes, limit: maximumDepth) {
            return error(at: offset, in: bytes, "nested deeper than \(maximumDepth) levels")
        }
        return nil
    }

    private static func firstTooDeep(in bytes: [UInt8], limit: Int) -> Int? {
        var depth = 0
        var offset = 0
        var inString = false
        while offset < bytes.count {
            switch bytes[offset] {
            case UInt8(ascii: "\\") where inString: offset += 1
            case UInt8(ascii: "\""): inString.toggle()
            case UInt8(ascii: "["), UInt8(ascii: "{"):
                if !inString { depth += 1 }
                if depth > limit { return offset }
            case UInt8(ascii: "]"), UInt8(ascii: "}"):
                if !inString { depth -= 1 }
            default: break
            }
            offset += 1
        }
        return nil
    }

    private static func error(at offset: Int, in bytes: [UInt8], _ message: String) -> JSONError {
        var position = JSONPosition(line: 1, column: 1)
        for byte in bytes[..<offset] { position.advance(over: byte) }
        return JSONError(line: position.line, column: position.column, message: message)
    }
}
