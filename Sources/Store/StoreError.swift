// What can go wrong with the store, by what the caller may do about it.

/// Every operation of the store throws this and nothing else.
public enum StoreError: Error, Sendable, Hashable, CustomStringConvertible {
    /// Somebody wrote in between: read again. `found` says what is there now.
    case conflict(found: String)
    /// A newer leader sealed the shard: step down.
    case fenced(epoch: Int64)
    case notFound(String)
    /// Not applied: the store could not be reached or refused the command.
    case unavailable(String)
    /// Perhaps applied: safe to repeat, because writes are idempotent under revision or token.
    case indeterminate(String)
    /// Not applied, and never will be: more than the store takes. Tell a person what to make smaller.
    case tooLarge(String)
    /// What is stored cannot be read: stop and tell a person.
    case corrupt(key: String, String)

    /// For people.
    public var description: String {
        switch self {
        case .conflict(let found): "somebody was first: \(found)"
        case .fenced(let epoch): "refused: a newer leader (epoch \(epoch)) has taken over"
        case .notFound(let what): "not found: \(what)"
        case .unavailable(let why), .indeterminate(let why), .tooLarge(let why): why
        case .corrupt(let key, let why): "\(key) cannot be read: \(why)"
        }
    }

    /// Whether trying again changes nothing until a person does something.
    package var isLasting: Bool {
        switch self {
        case .tooLarge, .corrupt: true
        default: false
        }
    }
}
