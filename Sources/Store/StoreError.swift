// What can go wrong with the store, by what the caller may do about it.

/// Every operation of the store throws this and nothing else.
public enum StoreError: Error, Sendable, Hashable {
    /// Somebody wrote in between: read again. `found` says what is there now.
    case conflict(found: String)
    /// A newer leader sealed the shard: step down.
    case fenced(epoch: Int64)
    case notFound(String)
    /// Not applied: the store could not be reached or refused the command.
    case unavailable(String)
    /// Perhaps applied: safe to repeat, because writes are idempotent under revision or token.
    case indeterminate(String)
    /// What is stored cannot be read: stop and tell a person.
    case corrupt(key: String, String)
}
