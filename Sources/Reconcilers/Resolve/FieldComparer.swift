// Takes the entries of one observed hash as they come in, and knows at the end whether the instance is in sync. It
// allocates nothing in the common case.

import Model

public struct FieldComparer: Sendable {
    private let expectation: InstanceExpectation
    /// Hashes keep their order from read to read: the next entry is mostly that of the next slot.
    private var next = 0
    private var met = 0
    private var failed = false

    public init(_ expectation: InstanceExpectation) {
        self.expectation = expectation
    }

    /// Whether every desired field was there and met, and none was there that is not desired.
    public var isInSync: Bool { !failed && met == expectation.table.slots.count }

    /// One entry. Keys that are no fields (`revision`, …) are passed over.
    public mutating func take(_ key: UnsafeRawBufferPointer, _ value: UnsafeRawBufferPointer) {
        guard !failed else { return }
        guard let index = slot(key) else {
            failed = Self.isField(key) && !Self.isGone(value)
            return
        }
        next = index + 1
        if isMet(expectation.table.slots[index].rule, value) { met += 1 } else { failed = true }
    }

    private func slot(_ key: UnsafeRawBufferPointer) -> Int? {
        let slots = expectation.table.slots
        if next < slots.count, ByteHash.equal(key, slots[next].key) { return next }
        return slots.firstIndex { ByteHash.equal(key, $0.key) }
    }

    private func isMet(_ rule: ExpectationSlot.Rule, _ value: UnsafeRawBufferPointer) -> Bool {
        switch rule {
        case .exactly(let bytes): ByteHash.equal(value, bytes)
        case .startsWith(let bytes): Self.starts(value, with: bytes) && !Self.isError(value)
        case .present: !Self.isGone(value) && !Self.isError(value)
        case .judged(let expectation): expectation.isMet(by: String(decoding: value, as: UTF8.self))
        case .hashed(let place): ByteHash.of(value) == expectation.hashes[place]
        case .hashedPrefix(let place, let length): headIsMet(value, length, place)
        case .hashedOwned(let place, let length, let owner, let group):
            headIsMet(value, length, place) && Self.ownedIsMet(value, length, owner: owner, group: group)
        }
    }

    private func headIsMet(_ value: UnsafeRawBufferPointer, _ length: Int, _ place: Int) -> Bool {
        value.count >= length
            && ByteHash.of(UnsafeRawBufferPointer(rebasing: value[..<length])) == expectation.hashes[place]
    }

    private static func ownedIsMet(
        _ value: UnsafeRawBufferPointer, _ length: Int, owner: String?, group: String?
    ) -> Bool {
        let text = String(decoding: value, as: UTF8.self)
        let head = String(decoding: value[..<length], as: UTF8.self)
        return Expectation.owned(head: head, owner: owner, group: group).isMet(by: text)
    }

    private static func isField(_ key: UnsafeRawBufferPointer) -> Bool { key.contains(UInt8(ascii: ":")) }

    private static let absent = Array(FieldValue.absent.utf8)
    private static let stopped = Array(FieldValue.stopped.utf8)
    private static let errorPrefix = Array(FieldValue.error("").utf8)

    private static func isGone(_ value: UnsafeRawBufferPointer) -> Bool {
        ByteHash.equal(value, absent) || ByteHash.equal(value, stopped)
    }

    private static func isError(_ value: UnsafeRawBufferPointer) -> Bool { starts(value, with: errorPrefix) }

    private static func starts(_ value: UnsafeRawBufferPointer, with bytes: [UInt8]) -> Bool {
        value.count >= bytes.count && ByteHash.equal(UnsafeRawBufferPointer(rebasing: value[..<bytes.count]), bytes)
    }
}

/// Comparing and hashing bytes where they lie.
enum ByteHash {
    static func equal(_ left: UnsafeRawBufferPointer, _ right: [UInt8]) -> Bool {
        guard left.count == right.count else { return false }
        return right.withUnsafeBytes { right in left.elementsEqual(right) }
    }

    /// 64 bits, eight bytes at a time (multiply and fold, as in wyhash). Not for what an enemy chooses.
    static func of(_ bytes: UnsafeRawBufferPointer) -> UInt64 {
        var hash = UInt64(truncatingIfNeeded: bytes.count) ^ 0x9e37_79b9_7f4a_7c15
        var index = 0
        while index + 8 <= bytes.count {
            hash = mixed(hash, bytes.loadUnaligned(fromByteOffset: index, as: UInt64.self))
            index += 8
        }
        var rest: UInt64 = 0
        while index < bytes.count {
            rest = rest << 8 | UInt64(bytes[index])
            index += 1
        }
        return mixed(hash, rest)
    }

    private static func mixed(_ hash: UInt64, _ word: UInt64) -> UInt64 {
        let product = (hash ^ word ^ 0xa076_1d64_78bd_642f).multipliedFullWidth(by: 0xe703_7ed1_a0b4_28db)
        return product.high ^ product.low ^ word
    }
}
