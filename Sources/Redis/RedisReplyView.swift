// A reply looked at where the parser put it: nothing is allocated for it. It cannot be copied, and is only ever lent, so
// it cannot outlive the call that it is lent for; the raw bytes that it lends in turn must not be kept either.

internal import CHiredis

public enum RedisReplyKind: Sendable, Hashable {
    case null, int, string, array, error
}

@safe
public struct RedisReplyView: ~Copyable {
    private let tokens: UnsafePointer<ch_token>
    private let tokenCount: Int
    private let bytes: UnsafeRawPointer

    /// Views tokens and bytes that stay valid for as long as the view is lent. There is at least one token.
    init(tokens: UnsafePointer<ch_token>, tokenCount: Int, bytes: UnsafeRawPointer) {
        precondition(tokenCount > 0, "a reply has at least one token")
        unsafe self.tokens = tokens
        self.tokenCount = tokenCount
        unsafe self.bytes = bytes
    }

    public var kind: RedisReplyKind { Self.kind(of: unsafe tokens[0]) }
    public var isNull: Bool { kind == .null }

    /// The number of elements of an array; 0 for anything else.
    public var count: Int { kind == .array ? unsafe Int(tokens[0].value) : 0 }

    /// The integer of an integer reply.
    public var int: Int? { kind == .int ? unsafe Int(tokens[0].value) : nil }

    /// The text of a string reply.
    public var string: String? { kind == .string ? unsafe String(decoding: text(0), as: UTF8.self) : nil }

    /// The text of an error reply.
    public var error: String? { kind == .error ? unsafe String(decoding: text(0), as: UTF8.self) : nil }

    /// Lends the bytes of a string reply.
    public func withBytes<Value>(_ body: (UnsafeRawBufferPointer) throws -> Value) rethrows -> Value? {
        guard kind == .string else { return nil }
        return try unsafe body(text(0))
    }

    /// Lends each element of an array of strings, as HMGET gives it; `nil` stands for null. Says whether it was one.
    @discardableResult
    public func forEachString(_ body: (Int, UnsafeRawBufferPointer?) throws -> Void) rethrows -> Bool {
        guard isFlat else { return false }
        for index in 1..<tokenCount {
            switch Self.kind(of: unsafe tokens[index]) {
            case .string: try unsafe body(index - 1, text(index))
            case .null: try body(index - 1, nil)
            default: return false
            }
        }
        return true
    }

    /// Lends each name and value of an array of both in turn, as HGETALL gives it. Says whether it was one.
    @discardableResult
    public func forEachField(
        _ body: (_ name: UnsafeRawBufferPointer, _ value: UnsafeRawBufferPointer) throws -> Void
    ) rethrows -> Bool {
        guard isFlat, count.isMultiple(of: 2) else { return false }
        var index = 1
        while index < tokenCount {
            guard unsafe tokens[index].kind == Int32(ch_kind_string),
                unsafe tokens[index + 1].kind == Int32(ch_kind_string)
            else { return false }
            try unsafe body(text(index), text(index + 1))
            index += 2
        }
        return true
    }

    /// A copy that can be kept.
    public func copy() -> RedisValue {
        var next = 0
        return value(at: &next)
    }

    /// An array that holds no arrays.
    private var isFlat: Bool { kind == .array && count == tokenCount - 1 }

    private func text(_ index: Int) -> UnsafeRawBufferPointer {
        let token = unsafe tokens[index]
        return unsafe UnsafeRawBufferPointer(start: bytes + token.offset, count: Int(token.value))
    }

    private func value(at next: inout Int) -> RedisValue {
        let index = next
        next += 1
        switch Self.kind(of: unsafe tokens[index]) {
        case .null: return .null
        case .int: return unsafe .int(Int(tokens[index].value))
        case .string: return unsafe .string(Array(text(index)))
        case .error: return unsafe .error(String(decoding: text(index), as: UTF8.self))
        case .array:
            let count = unsafe Int(tokens[index].value)
            var elements: [RedisValue] = []
            elements.reserveCapacity(count)
            for _ in 0..<count { elements.append(value(at: &next)) }
            return .array(elements)
        }
    }

    private static func kind(of token: ch_token) -> RedisReplyKind {
        switch Int(token.kind) {
        case Int(ch_kind_null): .null
        case Int(ch_kind_integer): .int
        case Int(ch_kind_array): .array
        case Int(ch_kind_error): .error
        default: .string
        }
    }
}
