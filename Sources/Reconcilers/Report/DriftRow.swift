// One line of the drift report.

public import Model

public struct DriftRow: Sendable, Hashable {
    public enum State: String, Sendable, Hashable, CaseIterable {
        case drifted
        /// Not observed, not observable, or observed too long ago: never shown as in sync.
        case unknown
        case inSync
    }

    public var instance: InstanceID
    public var field: FieldKey
    public var desired: String
    /// nil if nothing was observed.
    public var observed: String?
    public var state: State
    /// Since when it has drifted; nil if that is not recorded.
    public var since: Timestamp?
    public var cause: DriftRecord.Cause?
    /// How old the instance's last report is; nil if there was none.
    public var age: Duration?
    /// What is being done about it: `pending job …`, `failed: …`, `suspended: …`, `waiting: …`, `none`.
    public var action: String

    public init(
        instance: InstanceID, field: FieldKey, desired: String, observed: String?, state: State, since: Timestamp?,
        cause: DriftRecord.Cause?, age: Duration?, action: String
    ) {
        self.instance = instance
        self.field = field
        self.desired = desired
        self.observed = observed
        self.state = state
        self.since = since
        self.cause = cause
        self.age = age
        self.action = action
    }
}
