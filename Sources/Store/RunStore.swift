// The queues of jobs that are not plans: one for each server and one for each pool. Every call works on one queue, so that
// it is one script in one shard.
//
// Guarantees: a job that was enqueued is in exactly one of the states ready, delayed, active or ended, whatever fails in
// between; an id comes once into a queue for as long as the queue knows it; an attempt's end counts only with its token.
// Names of executors are names of servers. That each has one at a time is seen to: `AgentIdentity`.

public import Model

/// What `enqueue` says of each job.
public enum Enqueued: Sendable, Hashable {
    case created
    /// The id was known, and this is what became of the first: nothing was changed.
    case known(JobState)
}

/// The end of one attempt.
public struct RunCompletion: Sendable, Hashable {
    public var id: String
    public var token: String
    public var result: RunResult
    public var exitCode: Int?

    public init(id: String, token: String, result: RunResult, exitCode: Int? = nil) {
        self.id = id
        self.token = token
        self.result = result
        self.exitCode = exitCode
    }
}

/// An attempt under way, by what proves whose it is.
public struct RunAttempt: Sendable, Hashable {
    public var id: String
    public var token: String

    public init(id: String, token: String) {
        self.id = id
        self.token = token
    }
}

/// One visit of an executor to a queue: it says what ended, what it still does, and takes what it has room for. One round
/// trip for any number of jobs.
public struct RunTurn: Sendable, Hashable {
    public var queue: RunQueue
    /// The executor: the name of its server.
    public var server: String
    /// Of the attempts that this turn claims. The same turn sent again (its answer was lost) must have the same.
    public var token: String
    /// How many jobs it has room for; at most `RunBounds.largestBatch`.
    public var limit: Int
    public var lease: Duration
    /// The executor restarted: all attempts of this server under other tokens are orphans, and go on under this one.
    public var isBoot: Bool
    /// This turn may have been taken before.
    public var isRepeat: Bool
    public var completions: [RunCompletion]
    /// Attempts whose leases are extended.
    public var heartbeats: [RunAttempt]
    /// Who calls; nil where nobody can stand for the server, as in tools.
    public var agent: AgentIdentity?
    /// For a pool: under which the server's own queue last answered that the agent stands for it.
    public var epoch: Int64

    public init(
        queue: RunQueue, server: String, token: String, limit: Int, lease: Duration, isBoot: Bool = false,
        isRepeat: Bool = false, completions: [RunCompletion] = [], heartbeats: [RunAttempt] = [],
        agent: AgentIdentity? = nil, epoch: Int64 = 0
    ) {
        self.queue = queue
        self.server = server
        self.token = token
        self.limit = limit
        self.lease = lease
        self.isBoot = isBoot
        self.isRepeat = isRepeat
        self.completions = completions
        self.heartbeats = heartbeats
        self.agent = agent
        self.epoch = epoch
    }

    /// Whether only another agent's journal can know how far the attempt with this token came.
    func isOthers(_ token: String?) -> Bool {
        guard let journal = token.flatMap({ AgentIdentity.journal(in: $0) }) else { return false }
        return journal != agent?.journal
    }
}

public struct RunTurnReply: Sendable, Hashable {
    public var now: Timestamp
    public var claims: [RunClaim]
    /// When the next delayed job is due or lease ends; nil if nothing waits for its time, or others look after it.
    public var nextDueAt: Timestamp?
    /// Attempts of this server that somebody wants ended, by id; also those that were ended without it while it was silent.
    public var cancelled: [String]
    /// Completions and heartbeats that were not taken, by id: the attempt is somebody else's now, or over.
    public var lost: [String]
    /// The pools that this server takes from; only on the turn of the server's own queue.
    public var pools: [Pool]
    /// The labels of this server; nil where no Server of that name is declared, and on the turns of pools.
    public var labels: [String: String]?
    /// Jobs that cannot be read, and why; they are dead now.
    public var unreadable: [String]
    /// Another agent stands for the server: ends and heartbeats were taken, and nothing else was done. `nextDueAt` says when
    /// to ask the server's own queue again.
    public var holder: AgentHolder?
    /// Of the server's own queue: the epoch under which the agent stands for it; it goes with the turns of pools.
    public var epoch: Int64

    public init(
        now: Timestamp, claims: [RunClaim] = [], nextDueAt: Timestamp? = nil, cancelled: [String] = [],
        lost: [String] = [], pools: [Pool] = [], labels: [String: String]? = nil, unreadable: [String] = [],
        holder: AgentHolder? = nil, epoch: Int64 = 0
    ) {
        self.now = now
        self.claims = claims
        self.nextDueAt = nextDueAt
        self.cancelled = cancelled
        self.lost = lost
        self.pools = pools
        self.labels = labels
        self.unreadable = unreadable
        self.holder = holder
        self.epoch = epoch
    }
}

public enum RunCancellation: Sendable, Hashable {
    /// It had not begun, and will not.
    case cancelled
    /// Its executor was told.
    case asked(server: String)
    /// It was over already.
    case over(JobState)
    case unknown
}

/// A part of what a job wrote.
public struct RunOutput: Sendable, Hashable {
    /// In order, as text.
    public var chunks: [String]
    /// Where to go on reading.
    public var cursor: String
    /// Output before these chunks was dropped: there was more than is kept.
    public var isCut: Bool

    public init(chunks: [String], cursor: String, isCut: Bool = false) {
        self.chunks = chunks
        self.cursor = cursor
        self.isCut = isCut
    }
}

extension RunBounds {
    /// Jobs in one call.
    public static let largestBatch = 500
    /// Ended jobs that a queue remembers with their results.
    public static let endedOfServer = 200
    public static let endedOfPool = 2000
    /// However many end, each is remembered for so long: who enqueues again because the answer was lost, or because the
    /// leader before was, meets the id and makes no second job. At most so many.
    public static let endedAtLeast: Duration = .seconds(60)
    public static let endedMost = 20_000
    /// How long it remembers them.
    public static let endedFor: Duration = .seconds(7 * 86_400)
    /// Attempts beyond those asked for, where a lease ended and nothing is known to have failed.
    public static let mostLost = 9
    /// Executors of a pool that one call wakes: as many as there are jobs, if so many are free.
    public static let mostWoken = 64
    /// Output of one job: so many chunks of at most so many bytes.
    public static let outputChunks = 256
    public static let chunkBytes = 4096
}

/// The executor's side.
public protocol RunQueueStore: Sendable {
    /// Says what ended, extends leases, promotes what is due, takes back what nobody will end (of a pool only what is safe to
    /// repeat: the rest is dead, in doubt, until its executor says how it ended), then claims. Of a server's own queue what
    /// another agent had begun is treated as that of a pool.
    /// The agent stands for its server from then on, unless another does (`AgentBounds.silence`). A pool is elsewhere: it
    /// knows the highest epoch that came for each server, and gives nothing to a lower one.
    func turn(_ turn: RunTurn) async throws(StoreError) -> RunTurnReply
    /// Adds to what a job wrote; nothing if the attempt is not the caller's any more.
    func appendOutput(_ chunks: [String], of id: String, on queue: RunQueue, token: String) async throws(StoreError)
    /// This server no longer takes from the pool.
    func leave(_ pool: Pool, server: String) async throws(StoreError)
}

/// Everybody else's side.
public protocol RunStore: RunQueueStore {
    /// Enqueues jobs, in order, and wakes who may take them. With `delay`, they are delayed so long, and with `notBefore`
    /// until then. Fenced where a lease is given.
    func enqueue(
        _ jobs: [RunJob], on queue: RunQueue, delay: Duration?, notBefore: Timestamp?, lease: Lease?
    ) async throws(StoreError) -> [Enqueued]
    /// Newest first: open ones, then the newest of the ended ones.
    func runs(on queue: RunQueue, limit: Int) async throws(StoreError) -> [RunRecord]
    /// In the order of `ids`; nil where the queue does not know one.
    func runs(_ ids: [String], on queue: RunQueue) async throws(StoreError) -> [RunRecord?]
    func output(of id: String, on queue: RunQueue, after cursor: String?) async throws(StoreError) -> RunOutput
    /// Fenced where a lease is given.
    func cancel(_ id: String, on queue: RunQueue, lease: Lease?) async throws(StoreError) -> RunCancellation
    /// A job that is dead or cancelled is ready again, with all its attempts. False if it is neither.
    func retry(_ id: String, on queue: RunQueue) async throws(StoreError) -> Bool
    /// Forgets ended jobs (all, or these), their results and output. How many.
    func purge(_ ids: [String]?, on queue: RunQueue) async throws(StoreError) -> Int
    /// These servers take from the pool from now on.
    func join(_ pool: Pool, servers: [String]) async throws(StoreError)
    func members(of pool: Pool) async throws(StoreError) -> [String]
    /// All pools that any job was ever put into and that are not forgotten.
    func pools() async throws(StoreError) -> [Pool]
}

extension RunQueue {
    /// The shard that all of this queue is in.
    public var shard: Int { StoreLayout.shard(of: name) }
}

extension Pool {
    /// Why a server cannot take from one more.
    package static func full(_ server: String) -> String {
        "\(server) takes from \(mostOfOneServer) pools already, which is the most: run on servers by name, or by a selector "
            + "that is in use"
    }
}

extension RunRecord {
    /// Open ones first, then the newest.
    package static func newest(_ limit: Int, of records: [RunRecord]) -> [RunRecord] {
        Array(
            records.sorted { left, right in
                if left.state.isOpen != right.state.isOpen { return left.state.isOpen }
                return (left.enqueuedAt, left.job.id) > (right.enqueuedAt, right.job.id)
            }.prefix(max(0, limit)))
    }
}
