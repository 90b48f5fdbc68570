// The agent's side: reports, assignments, and the queue of its own server. All keys are under that server's name.

public import Model

/// A report of the monitor: only what changed, unless `full`.
public struct ServerReport: Sendable, Hashable {
    public var server: String
    public var values: [String: String]
    /// The values are all there are: others are removed.
    public var full: Bool
    /// Whose it is; nil where nobody can stand for the server, as in tools.
    public var agent: AgentIdentity?

    public init(server: String, values: [String: String], full: Bool, agent: AgentIdentity? = nil) {
        self.server = server
        self.values = values
        self.full = full
        self.agent = agent
    }
}

/// A report of one instance: only the fields that changed, unless `full`.
public struct InstanceReport: Sendable, Hashable {
    public var id: InstanceID
    /// Generation and digest of the assignment that the fields answer.
    public var generation: Int
    public var digest: String
    /// nil removes the field.
    public var fields: [FieldKey: String?]
    public var full: Bool
    /// The agent's digest over all fields as they are after this report (16 hex digits).
    public var fieldsDigest: String
    /// The agent no longer has anything of this instance: its observed hash is removed.
    public var gone: Bool
    /// Whose it is, as in `ServerReport`.
    public var agent: AgentIdentity?

    public init(
        id: InstanceID, generation: Int, digest: String, fields: [FieldKey: String?], full: Bool,
        fieldsDigest: String, gone: Bool = false, agent: AgentIdentity? = nil
    ) {
        self.id = id
        self.generation = generation
        self.digest = digest
        self.fields = fields
        self.full = full
        self.fieldsDigest = fieldsDigest
        self.gone = gone
        self.agent = agent
    }
}

/// What a claim answers.
public struct ClaimReply: Sendable, Hashable {
    public var claims: [Claim]
    /// Changes with every change of what is assigned to this server: read `assignments` when it moved.
    public var assignmentRevision: Int
    /// When the next delayed job or lease is due; nil if nothing waits.
    public var nextDueAt: Timestamp?
    public var now: Timestamp
    /// Jobs that cannot be read, and why; they are dead now.
    public var unreadable: [String]
    /// Another agent stands for the server: nothing was claimed or promoted, and `nextDueAt` says when to ask again.
    public var holder: AgentHolder?

    public init(
        claims: [Claim], assignmentRevision: Int, nextDueAt: Timestamp?, now: Timestamp, unreadable: [String] = [],
        holder: AgentHolder? = nil
    ) {
        self.claims = claims
        self.assignmentRevision = assignmentRevision
        self.nextDueAt = nextDueAt
        self.now = now
        self.unreadable = unreadable
        self.holder = holder
    }
}

/// What one server is asked to observe.
public struct AssignmentList: Sendable, Hashable {
    public var revision: Int
    public var assignments: [Assignment]
    /// How often the server itself is to be reported, by its declaration; nil where it has none.
    public var reportInterval: Duration?
    /// Assignments that cannot be read, and why.
    public var unreadable: [String]

    public init(
        revision: Int, assignments: [Assignment], reportInterval: Duration? = nil, unreadable: [String] = []
    ) {
        self.revision = revision
        self.assignments = assignments
        self.reportInterval = reportInterval
        self.unreadable = unreadable
    }
}

public protocol AgentStore: Sendable {
    /// Writes what changed, the heartbeat, and a feed entry if a value other than a measurement changed.
    /// The revision of the monitor hash: one that is lower than the last means that the store lost what it had.
    /// Throws `conflict` if another agent stands for the server.
    @discardableResult
    func report(_ report: ServerReport) async throws(StoreError) -> Int
    /// Writes what changed; a new revision and a feed entry only if something did. Returns the revision.
    /// Throws `conflict` if another agent stands for the server.
    func report(_ report: InstanceReport) async throws(StoreError) -> Int
    /// What this server is asked to observe.
    func assignments(server: String) async throws(StoreError) -> AssignmentList
    /// Promotes what is due, reclaims expired leases (what used up its attempts is dead), then claims up to `limit`.
    /// With `boot`, every active job of this server that another token holds goes back to ready first: its executor is gone.
    /// The agent stands for the server from then on, unless another does (`AgentBounds.silence`): then nothing is done.
    func claim(
        server: String, token: String, limit: Int, lease: Duration, boot: Bool, agent: AgentIdentity?
    ) async throws(StoreError) -> ClaimReply
    /// Extends the leases; returns the ids that are no longer this token's (given up, cancelled, finished).
    func heartbeat(server: String, ids: [String], token: String, lease: Duration) async throws(StoreError) -> [String]
    /// Ends an attempt and writes what was observed after it, at once. Throws `conflict` if the token is not the active one.
    /// The report is left out if another agent stands for the server.
    func complete(
        server: String, id: String, token: String, result: AttemptResult, output: String, report: InstanceReport?
    ) async throws(StoreError)
    /// Waits for a hint that a job or an assignment may have come; returns false when `timeout` passed without one.
    func waitForWork(server: String, timeout: Duration) async throws(StoreError) -> Bool
}
