// Drift as a record: which field, since when, why, and how long until it was repaired.

/// One field that does not meet what is desired.
public struct DriftRecord: Sendable, Hashable {
    public enum Cause: String, Sendable, Hashable {
        /// The instance is new here: it never met any desired state.
        case new
        /// The desired state moved.
        case desiredChanged
        /// It met this very desired state before, and somebody or something changed it on the server.
        case changedOnServer
    }

    public var field: FieldKey
    public var desired: String
    public var observed: String
    /// When the first report that did not meet it came, by the store's clock.
    public var onset: Timestamp
    public var cause: Cause
    /// Set when it is over.
    public var repairedAt: Timestamp?

    public init(
        field: FieldKey, desired: String, observed: String, onset: Timestamp, cause: Cause, repairedAt: Timestamp? = nil
    ) {
        self.field = field
        self.desired = desired
        self.observed = observed
        self.onset = onset
        self.cause = cause
        self.repairedAt = repairedAt
    }
}
