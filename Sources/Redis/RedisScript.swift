// A Lua script and the name that Redis knows it by: the SHA-1 of its text. It is computed here, so that a script is called
// by name at once, with no round trip to learn it; a server that does not know it says so, and is given the text.

public struct RedisScript: Sendable, Hashable {
    public let source: [UInt8]
    /// 40 hexadecimal digits.
    public let digest: String

    public init(source: [UInt8]) {
        self.source = source
        self.digest = SHA1.hexDigest(of: source)
    }

    public init(_ source: String) { self.init(source: Array(source.utf8)) }

    /// The call by name.
    public func call(keys: [String], _ arguments: [RedisArgument]) -> RedisCommand {
        command("EVALSHA", .string(digest), keys, arguments)
    }

    /// The call by text, which the server keeps for calls by name.
    public func callWithSource(keys: [String], _ arguments: [RedisArgument]) -> RedisCommand {
        command("EVAL", .bytes(source), keys, arguments)
    }

    private func command(
        _ name: String, _ script: RedisArgument, _ keys: [String], _ arguments: [RedisArgument]
    ) -> RedisCommand {
        let keyArguments = keys.map { RedisArgument.string($0) }
        return RedisCommand(name, [script, .int(keys.count)] + keyArguments + arguments, routedBy: keys.first)
    }
}
