// Calling scripts. A server that was restarted, flushed or promoted does not know them any more and answers NOSCRIPT
// without having done anything; the same call then goes out with its text, so no call is lost.

/// One call of a script.
public struct RedisScriptCall: Sendable {
    public let script: RedisScript
    public let keys: [String]
    public let arguments: [RedisArgument]

    public init(_ script: RedisScript, keys: [String], _ arguments: [RedisArgument] = []) {
        self.script = script
        self.keys = keys
        self.arguments = arguments
    }

    var byName: RedisCommand { script.call(keys: keys, arguments) }
    var bySource: RedisCommand { script.callWithSource(keys: keys, arguments) }
}

extension RedisClient {
    /// Calls a script where its first key lives, by name, and by text if the server does not know it.
    public func script(
        _ script: RedisScript, keys: [String], _ arguments: [RedisArgument] = [],
        deadline: Duration = RedisConnection.commandDeadline
    ) async throws(RedisError) -> RedisValue {
        let call = RedisScriptCall(script, keys: keys, arguments)
        do throws(RedisError) {
            return try await send(call.byName, deadline: deadline)
        } catch {
            guard error.replyCode == "NOSCRIPT" else { throw error }
            return try await send(call.bySource, deadline: deadline)
        }
    }

    /// Calls scripts together, each where its first key lives; the reply or the error of each, in their order. Calls of
    /// one server are carried out in their order, except those whose script it did not know, which come after the rest.
    public func scripts(
        _ calls: [RedisScriptCall], deadline: Duration = RedisConnection.commandDeadline
    ) async -> [Result<RedisValue, RedisError>] {
        var results = await pipeline(calls.map(\.byName), deadline: deadline)
        let unknown = results.indices.filter { index in
            guard case .failure(let error) = results[index] else { return false }
            return error.replyCode == "NOSCRIPT"
        }
        guard !unknown.isEmpty else { return results }
        let again = await pipeline(unknown.map { calls[$0].bySource }, deadline: deadline)
        for (index, result) in zip(unknown, again) { results[index] = result }
        return results
    }
}
