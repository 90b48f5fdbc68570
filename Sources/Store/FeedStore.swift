// The change feed: one stream per shard that names keys and says nothing more; the reader reads the state.

public import Model

public struct Change: Sendable, Hashable {
    public enum Subject: Sendable, Hashable {
        case resource(ResourceKey)
        /// The agent's monitor hash: root, status or first report.
        case server(String)
        case instance(InstanceID)
    }

    public var subject: Subject
    /// `applied`, `deleted`, `edited`, `confirmed`, `raised`, `observed`, `committed`, `job`, `retried`.
    public var what: String

    public init(subject: Subject, what: String) {
        self.subject = subject
        self.what = what
    }
}

/// How far each shard's stream has been read.
public struct FeedCursor: Sendable, Hashable {
    /// By shard: the id of the last entry read, `0-0` before the first.
    public var positions: [String]

    public init(positions: [String]) {
        self.positions = positions
    }
}

public enum FeedBatch: Sendable, Hashable {
    case changes([Change], FeedCursor)
    /// Entries after the cursor may be lost (trimmed, another history): list everything again, and go on from this cursor.
    case gap(FeedCursor, why: String)
}

public protocol FeedStore: Sendable {
    /// The end of every stream, to be read before a full list.
    func feedEnd() async throws(StoreError) -> FeedCursor
    /// All entries after the cursor, of these shards or of all, up to `limit` for each shard.
    func changes(after cursor: FeedCursor, shards: [Int]?, limit: Int) async throws(StoreError) -> FeedBatch
    /// Hints: numbers of shards in which something was written. Ends when the connection is gone.
    func hints() async throws(StoreError) -> AsyncStream<Int>
    /// Servers whose last report is older than `before`, of all shards, and when that report was.
    func silentServers(before: Timestamp) async throws(StoreError) -> [String: Timestamp]
    func observedServer(_ name: String) async throws(StoreError) -> ObservedServer?
    func observedServers(_ names: [String]) async throws(StoreError) -> [ObservedServer]
    /// What another collector wrote in a hash of its own (`spec.monitor.hash`); empty if there is none.
    func collectorHash(_ name: String) async throws(StoreError) -> [String: String]
    func now() async throws(StoreError) -> Timestamp
}

/// Everything the controller and `opsapply` need.
public typealias ControllerStore = LeaseStore & ResourceStore & InstanceStore & QueueStore & FeedStore & RunStore
    & ScheduleStore & InboxStore
/// The whole store.
public typealias OperationsStore = ControllerStore & AgentStore & LockStore
