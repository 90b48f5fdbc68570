// What became of a job that is not a plan.

/// A job as its queue has it. States are those of every job (`JobState`).
public struct RunRecord: Sendable, Hashable {
    public var queue: RunQueue
    public var job: RunJob
    public var state: JobState
    /// How many attempts were begun.
    public var attempt: Int
    public var enqueuedAt: Timestamp
    /// When it is due, if it is delayed, or its lease ends, if it is active.
    public var dueAt: Timestamp?
    public var claimedAt: Timestamp?
    public var finishedAt: Timestamp?
    /// The server that does or did it.
    public var server: String?
    /// Why it failed, also where another attempt is to come.
    public var error: String?
    /// Of the command that ended last.
    public var exitCode: Int?
    /// Somebody asked for its end while it was under way.
    public var isCancelling: Bool

    public init(
        queue: RunQueue, job: RunJob, state: JobState, attempt: Int, enqueuedAt: Timestamp, dueAt: Timestamp? = nil,
        claimedAt: Timestamp? = nil, finishedAt: Timestamp? = nil, server: String? = nil, error: String? = nil,
        exitCode: Int? = nil, isCancelling: Bool = false
    ) {
        self.queue = queue
        self.job = job
        self.state = state
        self.attempt = attempt
        self.enqueuedAt = enqueuedAt
        self.dueAt = dueAt
        self.claimedAt = claimedAt
        self.finishedAt = finishedAt
        self.server = server
        self.error = error
        self.exitCode = exitCode
        self.isCancelling = isCancelling
    }

    /// How people write it, and the commands take it: `server1/nightly-20261128T020000Z`.
    public var reference: String { "\(queue)/\(job.id)" }
}

/// One attempt's right to a job, for the time of a lease. What ends it needs the token.
public struct RunClaim: Sendable, Hashable {
    public var queue: RunQueue
    public var job: RunJob
    /// When it was enqueued, or a person retried it: with the id, what tells it from an earlier job of that id.
    public var enqueuedAt: Timestamp
    public var attempt: Int
    public var token: String

    public init(queue: RunQueue, job: RunJob, enqueuedAt: Timestamp, attempt: Int, token: String) {
        self.queue = queue
        self.job = job
        self.enqueuedAt = enqueuedAt
        self.attempt = attempt
        self.token = token
    }
}

/// How an attempt ended.
public enum RunResult: Sendable, Hashable {
    case done
    /// Another attempt after this time, unless they are used up: then it is dead.
    case failed(error: String, retryAfter: Duration)
    /// Trying again cannot help, or must not: in doubt, past its deadline, a bad step.
    case dead(error: String)
    /// Stopped because somebody asked for it.
    case cancelled
}
