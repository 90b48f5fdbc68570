// A plan on a server's queue, and what became of it.

/// `ready → active → done | delayed → … → dead`, plus `cancelled`.
public enum JobState: String, Sendable, Hashable, CaseIterable {
    case ready, delayed, active, done, dead, cancelled

    public var isOpen: Bool { self == .ready || self == .delayed || self == .active }
}

/// What a job asks for.
public enum JobKind: String, Sendable, Hashable {
    /// Do the steps, then report.
    case apply
    /// Look at the fields of the steps and answer what is there; change nothing. Any epoch.
    case observe
}

public struct Job: Sendable, Hashable {
    /// 20 hex digits: a digest of instance, generation, desired digest, observed revision and round.
    public var id: String
    public var kind: JobKind
    /// The epoch of the leader that emitted it; 0 for an observe job.
    public var epoch: Int64
    public var plan: Plan

    public init(id: String, kind: JobKind, epoch: Int64, plan: Plan) {
        self.id = id
        self.kind = kind
        self.epoch = epoch
        self.plan = plan
    }

    /// How many attempts before it is dead.
    public static let maximumAttempts = 5
}

/// A job as the queue has it.
public struct JobRecord: Sendable, Hashable {
    public var job: Job
    public var state: JobState
    /// 1 for the first.
    public var attempt: Int
    public var enqueuedAt: Timestamp
    public var claimedAt: Timestamp?
    public var finishedAt: Timestamp?
    /// When a delayed job is due, or an active one's lease ends.
    public var dueAt: Timestamp?
    public var error: String?
    public var output: String?

    public init(
        job: Job, state: JobState, attempt: Int, enqueuedAt: Timestamp, claimedAt: Timestamp? = nil,
        finishedAt: Timestamp? = nil, dueAt: Timestamp? = nil, error: String? = nil, output: String? = nil
    ) {
        self.job = job
        self.state = state
        self.attempt = attempt
        self.enqueuedAt = enqueuedAt
        self.claimedAt = claimedAt
        self.finishedAt = finishedAt
        self.dueAt = dueAt
        self.error = error
        self.output = output
    }
}

/// One attempt's right to a job. Completion needs the token.
public struct Claim: Sendable, Hashable {
    public var job: Job
    public var attempt: Int
    public var token: String
    public var leaseEndsAt: Timestamp

    public init(job: Job, attempt: Int, token: String, leaseEndsAt: Timestamp) {
        self.job = job
        self.attempt = attempt
        self.token = token
        self.leaseEndsAt = leaseEndsAt
    }
}

/// How an attempt ended.
public enum AttemptResult: Sendable, Hashable {
    case done
    /// Try again after `retryAfter`, unless the attempts are used up: then it is dead.
    case failed(error: String, retryAfter: Duration)
    /// Trying again cannot help (a refused epoch, a bad step): dead at once.
    case dead(error: String)
}
