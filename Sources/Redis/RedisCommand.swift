// Commands as they travel: RESP arrays of byte strings, written once into a `ByteBuffer` by the caller's thread, so that
// the event loop only concatenates.

internal import NIOCore

/// One argument of a command.
public enum RedisArgument: Sendable, Hashable {
    case string(String)
    case bytes([UInt8])
    case int(Int)
}

extension RedisArgument: ExpressibleByStringLiteral, ExpressibleByStringInterpolation, ExpressibleByIntegerLiteral {
    public init(stringLiteral value: String) { self = .string(value) }
    public init(integerLiteral value: Int) { self = .int(value) }
}

/// One command, ready to be sent, and sent again to another server if need be.
public struct RedisCommand: Sendable {
    let bytes: ByteBuffer
    /// The key that decides which server of a cluster it goes to.
    public let key: String?

    /// A command that any server may answer.
    public init(_ name: String, _ arguments: [RedisArgument] = []) {
        var buffer = RedisCommandBuffer()
        buffer.append(name, arguments)
        self.bytes = buffer.bytes
        self.key = nil
    }

    /// A command whose first argument is its key.
    public init(_ name: String, key: String, _ arguments: [RedisArgument] = []) {
        var buffer = RedisCommandBuffer()
        buffer.append(name, key: key, arguments)
        self.bytes = buffer.bytes
        self.key = key
    }

    /// A command that goes where a key lives, which it names among its arguments or not at all.
    public init(_ name: String, _ arguments: [RedisArgument], routedBy key: String?) {
        var buffer = RedisCommandBuffer()
        buffer.append(name, arguments)
        self.bytes = buffer.bytes
        self.key = key
    }
}

/// Commands one after the other in one buffer.
public struct RedisCommandBuffer: ~Copyable {
    var bytes = ByteBuffer()
    /// How many commands there are.
    private(set) var count = 0

    init() {}

    /// Appends a command.
    public mutating func append(_ name: String, _ arguments: [RedisArgument] = []) {
        begin(arguments.count + 1)
        write(name)
        for argument in arguments { write(argument) }
    }

    /// Appends a command whose first argument is its key.
    public mutating func append(_ name: String, key: String, _ arguments: [RedisArgument] = []) {
        begin(arguments.count + 2)
        write(name)
        write(key)
        for argument in arguments { write(argument) }
    }

    /// Appends a command that was made before.
    public mutating func append(_ command: RedisCommand) {
        count += 1
        bytes.writeImmutableBuffer(command.bytes)
    }

    private mutating func begin(_ arguments: Int) {
        count += 1
        writeHeader(UInt8(ascii: "*"), arguments)
    }

    private mutating func write(_ argument: RedisArgument) {
        switch argument {
        case .string(let text): write(text)
        case .int(let value): write(String(value))
        case .bytes(let value):
            writeHeader(UInt8(ascii: "$"), value.count)
            bytes.writeBytes(value)
            writeLineEnd()
        }
    }

    private mutating func write(_ text: String) {
        writeHeader(UInt8(ascii: "$"), text.utf8.count)
        bytes.writeString(text)
        writeLineEnd()
    }

    /// Writes `*3\r\n`, `$12\r\n`.
    private mutating func writeHeader(_ sign: UInt8, _ count: Int) {
        bytes.writeInteger(sign)
        if count < 10 {
            bytes.writeInteger(UInt8(ascii: "0") + UInt8(count))
        } else {
            bytes.writeString(String(count))
        }
        writeLineEnd()
    }

    private mutating func writeLineEnd() { bytes.writeInteger(UInt16(0x0D0A)) }
}
