// Everything that can go wrong between a call and its answer, by what the caller may do about it.

/// What became of a command whose connection ended.
public enum RedisDelivery: Sendable, Hashable {
    /// It never left this process: it can be sent again without a thought.
    case notSent
    /// It was handed to the network and its reply was not seen: it may have been carried out, once.
    case indeterminate
}

public enum RedisError: Error, Sendable, Hashable {
    /// The text is no address of a Redis.
    case badURL(String)
    /// There is no connection and none could be made; nothing was sent.
    case connectionRefused(endpoint: String, reason: String)
    /// The connection ended while the command waited for its reply.
    case closed(RedisDelivery)
    /// No reply came before the deadline; the connection was closed. The command may have been carried out.
    case timeout
    /// The task that waited was cancelled; a dedicated connection was closed. The command may have been carried out.
    case cancelled
    /// Redis refused: `code` is the first word of its error (`WRONGTYPE`, `NOSCRIPT`, …), `message` all of it.
    case reply(code: String, message: String)
    /// What came is no Redis reply; the connection was closed.
    case protocolViolation(String)
    /// Redis does not accept the user or the password.
    case authentication(String)
    /// Too many commands wait on this connection already (`RedisConnection.maximumInFlight`); nothing was sent.
    case overloaded
    /// No sentinel knows a primary, or a cluster redirected for ever; nothing was carried out.
    case noPrimary(String)
}

extension RedisError {
    /// Whether the command may have been carried out although this was thrown.
    public var isIndeterminate: Bool {
        switch self {
        case .closed(.indeterminate), .timeout, .cancelled, .protocolViolation: true
        case .badURL, .connectionRefused, .closed(.notSent), .reply, .authentication, .overloaded, .noPrimary: false
        }
    }

    /// Redis' error reply as an error of its own kind.
    static func reply(_ message: String) -> RedisError {
        let code = String(message.prefix { $0 != " " })
        switch code {
        case "NOAUTH", "WRONGPASS": return .authentication(message)
        default: return .reply(code: code, message: message)
        }
    }

    /// The code of an error reply; `nil` for everything else.
    public var replyCode: String? { if case .reply(let code, _) = self { code } else { nil } }
}

extension RedisError: CustomStringConvertible {
    public var description: String {
        switch self {
        case .badURL(let reason): "bad Redis URL: \(reason)"
        case .connectionRefused(let endpoint, let reason): "cannot connect to Redis at \(endpoint): \(reason)"
        case .closed(.notSent): "the connection to Redis is closed; nothing was sent"
        case .closed(.indeterminate): "the connection to Redis ended before the reply came"
        case .timeout: "Redis did not answer in time"
        case .cancelled: "cancelled while waiting for Redis"
        case .reply(_, let message): "Redis refused: \(message)"
        case .protocolViolation(let reason): "not a Redis reply: \(reason)"
        case .authentication(let message): "Redis does not accept the credentials: \(message)"
        case .overloaded: "too many commands wait for Redis (more than \(RedisConnection.maximumInFlight))"
        case .noPrimary(let reason): "no Redis primary found: \(reason)"
        }
    }
}
