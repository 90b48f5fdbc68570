// What an agent reports.

/// The observed hash of one instance.
public struct ObservedInstance: Sendable, Hashable {
    public var id: InstanceID
    /// Counts the writes that changed something.
    public var revision: Int
    /// The generation and digest of the assignment that these fields answer.
    public var generation: Int
    public var digest: String
    /// When the last report of any kind came, by the store's clock.
    public var reportedAt: Timestamp
    public var fields: [FieldKey: String]

    public init(
        id: InstanceID, revision: Int, generation: Int, digest: String, reportedAt: Timestamp,
        fields: [FieldKey: String]
    ) {
        self.id = id
        self.revision = revision
        self.generation = generation
        self.digest = digest
        self.reportedAt = reportedAt
        self.fields = fields
    }
}

/// The monitor hash of one server.
public struct ObservedServer: Sendable, Hashable {
    public var name: String
    public var revision: Int
    /// Time of the last report, by the store's clock; nil if there never was one.
    public var reportedAt: Timestamp?
    /// `cpu`, `mem`, `disk`, `network`, `load`, `uptime`, `kernel`, `status`, `root`, `agent`, ….
    public var values: [String: String]

    public init(name: String, revision: Int, reportedAt: Timestamp?, values: [String: String]) {
        self.name = name
        self.revision = revision
        self.reportedAt = reportedAt
        self.values = values
    }

    /// The folder that the agent is confined to, without a trailing slash, empty for `/`; nil before it reported.
    public var root: String? { values["root"].map { $0 == "/" ? "" : $0 } }

    /// No server is stale sooner than this, however often it reports.
    public static let leastSilence: Duration = .seconds(15)

    /// The age of the last report after which a server is stale, what it observed unknown: three of its intervals.
    public static func silence(every interval: Duration) -> Duration { max(interval * 3, leastSilence) }

    public func isStale(every interval: Duration, at now: Timestamp) -> Bool {
        guard let reportedAt else { return true }
        return now - reportedAt > Self.silence(every: interval)
    }
}
