// Digests that two replicas, two runs and two programs agree on: SHA-256 over fields that are each preceded by their
// length, so that no two different values serialise alike.

import Crypto
import Model

/// Collects values in a fixed order and digests them.
struct CanonicalDigest {
    private var bytes: [UInt8] = []

    init() {}

    mutating func add(_ text: String) {
        addLength(text.utf8.count)
        bytes.append(contentsOf: text.utf8)
    }

    mutating func add(_ number: Int) { add(String(number)) }

    mutating func add(_ text: String?) {
        bytes.append(UInt8(ascii: text == nil ? "-" : "+"))
        if let text { add(text) }
    }

    mutating func add(_ texts: [String]) {
        addLength(texts.count)
        for text in texts { add(text) }
    }

    mutating func add(_ map: [String: String]) {
        addLength(map.count)
        for (key, value) in map.sorted(by: { $0.key < $1.key }) {
            add(key)
            add(value)
        }
    }

    mutating func add(_ duration: Duration) { add(Int(duration.wholeMilliseconds)) }

    private mutating func addLength(_ length: Int) {
        bytes.append(contentsOf: String(length).utf8)
        bytes.append(UInt8(ascii: ":"))
    }

    /// The first `digits` hex digits of the SHA-256.
    func hex(_ digits: Int) -> String { String(Hex.text(SHA256.hash(data: bytes)).prefix(digits)) }
}

/// Lower-case hex.
enum Hex {
    static func text(_ bytes: some Sequence<UInt8>) -> String {
        let digits = Array("0123456789abcdef".utf8)
        var result: [UInt8] = []
        result.reserveCapacity(64)
        for byte in bytes {
            result.append(digits[Int(byte >> 4)])
            result.append(digits[Int(byte & 15)])
        }
        return String(decoding: result, as: UTF8.self)
    }

    /// SHA-256 of a file's content.
    static func contentDigest(_ content: [UInt8]) -> String { text(SHA256.hash(data: content)) }
}
