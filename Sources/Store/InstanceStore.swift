// What the controller wants of one instance and what it knows of it, beside what the agent observed. Two hashes in the
// server's shard, read in one round trip, written by one script.

public import Model

/// The controller's hash of one instance.
public struct InstanceControl: Sendable, Hashable {
    /// What the agent is asked to observe; nil if nothing is placed here.
    public var assignment: Assignment?
    public var phase: InstancePhase
    /// Why it is in that phase, for people.
    public var message: String
    /// The open job, if there is one.
    public var openJob: String?
    /// How the last rounds went.
    public var round: RoundState
    /// Open drift records by field.
    public var drift: [FieldKey: DriftRecord]
    /// `DesiredInstance.digest` that this instance last met in full; empty if it never did.
    public var metDigest: String

    public init(
        assignment: Assignment? = nil, phase: InstancePhase = .unknown, message: String = "", openJob: String? = nil,
        round: RoundState = RoundState(), drift: [FieldKey: DriftRecord] = [:], metDigest: String = ""
    ) {
        self.assignment = assignment
        self.phase = phase
        self.message = message
        self.openJob = openJob
        self.round = round
        self.drift = drift
        self.metDigest = metDigest
    }
}

/// Jobs that ended dead while the drift stayed. Reset by a job that ended well and by a new generation.
public struct RoundState: Sendable, Hashable {
    /// How many jobs ended dead in a row.
    public var round: Int
    /// When the last of them ended.
    public var endedAt: Timestamp?
    public var error: String?
    /// The generation that they were for.
    public var generation: Int

    public init(round: Int = 0, endedAt: Timestamp? = nil, error: String? = nil, generation: Int = 0) {
        self.round = round
        self.endedAt = endedAt
        self.error = error
        self.generation = generation
    }
}

/// Both sides of one instance.
public struct InstanceSnapshot: Sendable, Hashable {
    public var id: InstanceID
    public var control: InstanceControl?
    public var observed: ObservedInstance?
    /// What is stored cannot be read: which key, and why. Nothing else is known of the instance then; only reads of many
    /// say it so, in order that one damaged hash does not hide all others. Reading this one alone throws.
    public var problem: StoreError?

    public init(
        id: InstanceID, control: InstanceControl?, observed: ObservedInstance?, problem: StoreError? = nil
    ) {
        self.id = id
        self.control = control
        self.observed = observed
        self.problem = problem
    }

    /// The newest generation of its resource that its server knows; 0 if it knows none.
    public var knownGeneration: Int { max(observed?.generation ?? 0, control?.assignment?.generation ?? 0) }
}

/// What is cheap to read of every instance of a shard: enough to prove it unchanged.
public struct InstanceSummary: Sendable, Hashable {
    public var id: InstanceID
    public var revision: Int
    /// The agent's digest over the observed fields (16 hex digits).
    public var fieldsDigest: String

    public init(id: InstanceID, revision: Int, fieldsDigest: String) {
        self.id = id
        self.revision = revision
        self.fieldsDigest = fieldsDigest
    }
}

/// Everything that one reconcile of an instance writes, at once or not at all.
public struct InstanceCommit: Sendable, Hashable {
    public enum AssignmentChange: Sendable, Hashable {
        case keep
        case set(Assignment)
        /// The instance is gone: its two hashes are removed (and it leaves the server's set).
        case remove
    }

    public var id: InstanceID
    /// The observed revision that this was computed from (0: none): the script answers `conflict` if it moved.
    public var expectedRevision: Int
    /// The open job that this was computed from: the script answers `conflict` if it moved.
    public var expectedOpenJob: String?
    public var assignment: AssignmentChange
    public var phase: InstancePhase
    public var message: String
    /// A job to enqueue. An id that is known already is no second job, unless that one was cancelled before it was done.
    public var job: Job?
    /// Cancel the open job if it has not started (a newer generation supersedes it).
    public var cancelUnstarted: Bool
    public var driftOpened: [DriftRecord]
    /// With `repairedAt` set: they leave the instance and go to the server's drift history.
    public var driftRepaired: [DriftRecord]
    public var metDigest: String
    public var events: [Event]

    public init(
        id: InstanceID, expectedRevision: Int, expectedOpenJob: String?, assignment: AssignmentChange = .keep,
        phase: InstancePhase, message: String = "", job: Job? = nil, cancelUnstarted: Bool = false,
        driftOpened: [DriftRecord] = [], driftRepaired: [DriftRecord] = [], metDigest: String, events: [Event] = []
    ) {
        self.id = id
        self.expectedRevision = expectedRevision
        self.expectedOpenJob = expectedOpenJob
        self.assignment = assignment
        self.phase = phase
        self.message = message
        self.job = job
        self.cancelUnstarted = cancelUnstarted
        self.driftOpened = driftOpened
        self.driftRepaired = driftRepaired
        self.metDigest = metDigest
        self.events = events
    }
}

/// Looks at observed hashes where the store has them. Names and values are UTF-8, lent for the call only. Beside the
/// fields (`file:/etc/hosts`) come `revision`, `generation`, `digest`, `fieldsDigest` and `reportedAt` (milliseconds).
public protocol ObservedVisitor: Sendable {
    /// The hash of `ids[index]` follows; it has no entries where nothing was reported.
    mutating func begin(_ index: Int)
    mutating func visit(_ name: UnsafeRawBufferPointer, _ value: UnsafeRawBufferPointer)
    mutating func end(_ index: Int)
}

/// How much of each assignment is read.
public enum AssignmentDetail: Sendable, Hashable {
    case full
    /// Generation and digest; `fields` is empty. Several times as fast, and enough wherever nothing is to be removed.
    case head
}

extension InstanceStore {
    /// Many instances, with their whole assignments.
    public func instances(
        _ ids: [InstanceID], _ handle: @escaping @Sendable (InstanceSnapshot) -> Void
    ) async throws(StoreError) {
        try await instances(ids, assignments: .full, handle)
    }
}

public protocol InstanceStore: Sendable {
    /// Both hashes of one instance.
    func instance(_ id: InstanceID) async throws(StoreError) -> InstanceSnapshot
    /// Many of them, pipelined; the handler is called once for each id, as answers come in (in order, but on a cluster).
    func instances(
        _ ids: [InstanceID], assignments: AssignmentDetail, _ handle: @escaping @Sendable (InstanceSnapshot) -> Void
    ) async throws(StoreError)
    /// The observed hashes of many instances, in order, lent to a visitor as they come in: nothing is copied. For the
    /// full pass over a large fleet. The visitor comes back with what it gathered.
    func visitObserved<Visitor: ObservedVisitor>(_ ids: [InstanceID], _ visitor: Visitor) async throws(StoreError)
        -> Visitor
    /// The ids of every instance that has a control hash or was reported, of one shard (one server's shard holds all of its).
    func instanceIDs(shard: Int) async throws(StoreError) -> [InstanceID]
    func summaries(shard: Int) async throws(StoreError) -> [InstanceSummary]
    /// Fenced. Throws `conflict` if revision or open job moved. Adds a feed entry (`instance`, `committed`), and wakes the agent.
    func commit(_ commit: InstanceCommit, lease: Lease) async throws(StoreError)
    /// Repaired drift of one server, newest first.
    func driftHistory(server: String, limit: Int) async throws(StoreError) -> [(InstanceID, DriftRecord)]
    func events(limit: Int) async throws(StoreError) -> [Event]
    /// Fenced where a lease is given.
    func record(_ event: Event, lease: Lease?) async throws(StoreError)
}
