// RFC 4648 base64 with padding, for file contents that are no text. Reading is strict: no white space, canonical padding.

enum Base64 {
    private static let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)
    private static let padding = UInt8(ascii: "=")

    static func encode(_ bytes: [UInt8]) -> String {
        var text: [UInt8] = []
        text.reserveCapacity((bytes.count + 2) / 3 * 4)
        for start in stride(from: 0, to: bytes.count, by: 3) {
            let group = bytes[start..<min(start + 3, bytes.count)]
            var word = UInt32(0)
            for byte in group { word = word << 8 | UInt32(byte) }
            word <<= UInt32(8 * (3 - group.count))
            for position in 0..<4 {
                let sextet = Int(word >> UInt32(18 - 6 * position)) & 63
                text.append(position <= group.count ? alphabet[sextet] : padding)
            }
        }
        return String(decoding: text, as: UTF8.self)
    }

    static func decode(_ text: String) -> [UInt8]? {
        let symbols = Array(text.utf8)
        guard symbols.count.isMultiple(of: 4) else { return nil }
        var bytes: [UInt8] = []
        bytes.reserveCapacity(symbols.count / 4 * 3)
        for start in stride(from: 0, to: symbols.count, by: 4) {
            let isLast = start + 4 == symbols.count
            guard let group = group(symbols[start..<(start + 4)], mayPad: isLast) else { return nil }
            bytes += group
        }
        return bytes
    }

    private static func group(_ symbols: ArraySlice<UInt8>, mayPad: Bool) -> [UInt8]? {
        let padded = symbols.reversed().prefix { $0 == padding }.count
        guard padded <= (mayPad ? 2 : 0) else { return nil }
        var word = UInt32(0)
        for symbol in symbols.dropLast(padded) {
            guard let sextet = value(of: symbol) else { return nil }
            word = word << 6 | sextet
        }
        word <<= UInt32(6 * padded)
        let unused = word & (UInt32(1) << UInt32(8 * padded) - 1)
        guard unused == 0 else { return nil }
        return (0..<(3 - padded)).map { UInt8(word >> UInt32(16 - 8 * $0) & 255) }
    }

    private static func value(of symbol: UInt8) -> UInt32? {
        switch symbol {
        case UInt8(ascii: "A")...UInt8(ascii: "Z"): UInt32(symbol - UInt8(ascii: "A"))
        case UInt8(ascii: "a")...UInt8(ascii: "z"): UInt32(symbol - UInt8(ascii: "a")) + 26
        case UInt8(ascii: "0")...UInt8(ascii: "9"): UInt32(symbol - UInt8(ascii: "0")) + 52
        case UInt8(ascii: "+"): 62
        case UInt8(ascii: "/"): 63
        default: nil
        }
    }
}
