// A reply as a value of its own: for single commands. Bulk reads look at the bytes where they are (`RedisReplyView`).

public enum RedisValue: Sendable, Hashable {
    case null
    case int(Int)
    /// A bulk string, or a status such as OK.
    case string([UInt8])
    case array([RedisValue])
    /// An error inside of an array; at the top it is thrown.
    case error(String)
}

extension RedisValue {
    public var isNull: Bool { self == .null }

    public var bytes: [UInt8]? { if case .string(let bytes) = self { bytes } else { nil } }

    /// A string; invalid UTF-8 is repaired with replacement characters.
    public var string: String? { bytes.map { String(decoding: $0, as: UTF8.self) } }

    /// An integer reply, or a string that is one, as hash fields are.
    public var int: Int? {
        switch self {
        case .int(let value): value
        case .string(let bytes): Int(String(decoding: bytes, as: UTF8.self))
        default: nil
        }
    }

    public var array: [RedisValue]? { if case .array(let elements) = self { elements } else { nil } }

    /// An array of names and values in turn, as HGETALL gives it; `nil` for anything else.
    public var fields: [String: String]? {
        guard let array, array.count.isMultiple(of: 2) else { return nil }
        var fields: [String: String] = [:]
        fields.reserveCapacity(array.count / 2)
        for index in stride(from: 0, to: array.count, by: 2) {
            guard let name = array[index].string, let value = array[index + 1].string else { return nil }
            fields[name] = value
        }
        return fields
    }
}
