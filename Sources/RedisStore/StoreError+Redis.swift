// Errors of Redis, translated once: by what the caller may do about them.

internal import Redis
internal import Store

extension StoreError {
    /// `isWrite`: whether a reply that was not seen leaves it open if something was written.
    init(_ error: RedisError, isWrite: Bool) {
        switch error {
        case .reply(let code, let message): self = Self.refusal(code, message)
        default: self = isWrite && error.isIndeterminate ? .indeterminate("\(error)") : .unavailable("\(error)")
        }
    }

    private static func refusal(_ code: String, _ message: String) -> StoreError {
        let rest = String(message.dropFirst(code.count + 1))
        switch code {
        case "FENCED": return .fenced(epoch: Int64(rest) ?? 0)
        case "CONFLICT": return .conflict(found: rest)
        case "NOTFOUND": return .notFound(rest)
        case "WRONGTYPE": return .corrupt(key: "?", "a key holds another type than it should: \(message)")
        default: return .unavailable(reason(code, message))
        }
    }

    private static func reason(_ code: String, _ message: String) -> String {
        // Redis before 7 wraps what went wrong in a script in an error of its own.
        if code == "OOM" || message.contains("OOM command not allowed") {
            return "Redis is out of memory and refuses writes: raise its maxmemory or free some (\(message))"
        }
        switch code {
        case "READONLY":
            return "this Redis is a read-only replica: the address must be that of the primary (\(message))"
        case "NOREPLICAS": return "Redis refuses writes because too few replicas follow it (\(message))"
        case "LOADING": return "Redis is still loading its data: try again shortly"
        case "MASTERDOWN": return "this Redis is a replica that lost its primary (\(message))"
        case "MISCONF": return "Redis cannot save to disk and refuses writes: look at its disk and log (\(message))"
        case "NOPERM": return "the Redis user may not do this: its ACL must allow it (\(message))"
        case "BUSY": return "Redis is busy with a script (\(message))"
        default: return "Redis refused: \(message)"
        }
    }
}
