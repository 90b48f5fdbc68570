// What happened, for people: bounded, newest last.

public struct Event: Sendable, Hashable {
    public enum Severity: String, Sendable, Hashable {
        case normal = "Normal"
        case warning = "Warning"
    }

    public var at: Timestamp
    public var severity: Severity
    /// What it is about: `App/webapp`, `webapp@server1`, `leader`.
    public var subject: String
    /// UpperCamel: `JobEmitted`, `DriftRepaired`, `LeaderElected`, `EditRefused`.
    public var reason: String
    public var message: String

    public init(at: Timestamp, severity: Severity, subject: String, reason: String, message: String) {
        self.at = at
        self.severity = severity
        self.subject = subject
        self.reason = reason
        self.message = message
    }
}
