// Which of a cluster's 16384 slots a key belongs to: CRC16 (XMODEM) of its hash tag, or of all of it.

/// CRC16 with polynomial 0x1021, not reflected, starting from 0, as Redis Cluster uses it.
public func crc16(_ bytes: some Sequence<UInt8>) -> UInt16 {
    var crc: UInt16 = 0
    for byte in bytes { crc = crc << 8 ^ crc16Table[Int(UInt8(crc >> 8) ^ byte)] }
    return crc
}

private let crc16Table: [UInt16] = (0..<256).map { index in
    (0..<8).reduce(UInt16(index) << 8) { crc, _ in crc & 0x8000 == 0 ? crc << 1 : crc << 1 ^ 0x1021 }
}

public enum RedisSlot {
    /// How many slots every cluster has.
    public static let count = 16_384

    /// The slot of a key: only what stands between the first `{` and the next `}` counts, if that is not nothing.
    public static func of(_ key: String) -> Int {
        let bytes = key.utf8
        if let open = bytes.firstIndex(of: UInt8(ascii: "{")) {
            let tag = bytes[bytes.index(after: open)...]
            if let close = tag.firstIndex(of: UInt8(ascii: "}")), close != tag.startIndex {
                return Int(crc16(tag[..<close])) % count
            }
        }
        return Int(crc16(bytes)) % count
    }
}
