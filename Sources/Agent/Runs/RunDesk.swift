// What an executor has to say to one queue, and when: one turn at a time, and a turn whose answer was lost is sent again
// as it was. Only values: time comes as an argument.

package import Model
package import Store

package struct RunDesk: Sendable {
    package typealias Instant = ContinuousClock.Instant

    /// Between two looks that nothing but time asks for.
    static let shortestWait: Duration = .milliseconds(10)

    package let queue: RunQueue
    private let server: String
    private let agent: AgentIdentity?
    private let nonce: String
    private let timing: Executor.Timing
    private var count = 0
    private var isBoot = true
    /// Sent, and perhaps taken: nothing else is sent before it is answered.
    private var sent: RunTurn?
    private var isInFlight = false
    private var retry = StoreRetry()
    private var retryAt: Instant
    /// A hint came.
    private var isRung = true
    private var dueAt: Instant
    private var heartbeatAt: Instant
    private var completions: [RunCompletion] = []
    private var hasNextDue = false
    /// The last turn got as many jobs as it asked for: there may be more.
    package private(set) var isHungry = true
    /// When a job was last there.
    package private(set) var usedAt: Instant
    /// Of a pool: the store says that this server takes from it.
    package var isNamed = true
    /// Of a pool: the store is being told that this server takes from it no longer.
    private var isLeaving = false
    /// Turns that were not answered, one after the other.
    package private(set) var failures = 0
    /// That it cannot be visited was said.
    package var isFailureSaid = false
    /// Of a pool: this server is none of it any more, and begins nothing.
    package var isClosed = false

    package init(
        queue: RunQueue, server: String, agent: AgentIdentity?, nonce: String, timing: Executor.Timing, at now: Instant
    ) {
        self.queue = queue
        self.server = server
        self.agent = agent
        self.nonce = nonce
        self.timing = timing
        retryAt = now
        dueAt = now
        heartbeatAt = now + timing.lease / 3
        usedAt = now
    }

    /// Places that are kept for what the open turn may claim.
    package var reserved: Int { sent?.limit ?? 0 }

    package mutating func ring() { isRung = true }

    package mutating func end(_ completion: RunCompletion) { completions.append(completion) }

    /// Whether a turn would be of use if it had room for no job.
    package func isDue(at now: Instant, isBusy: Bool) -> Bool {
        guard !isInFlight else { return false }
        if sent != nil { return retryAt <= now }
        return isRung || !completions.isEmpty || dueAt <= now || (isBusy && heartbeatAt <= now)
    }

    /// Whether it takes part where free places are dealt.
    package func wantsJobs(at now: Instant, isBusy: Bool) -> Bool {
        guard !isInFlight, sent == nil, !isClosed else { return false }
        return isHungry || isDue(at: now, isBusy: isBusy)
    }

    /// When to look again; nil while a turn is under way.
    package func nextAt(isBusy: Bool) -> Instant? {
        if isInFlight { return nil }
        if sent != nil { return retryAt }
        return isBusy ? min(dueAt, heartbeatAt) : dueAt
    }

    /// Nothing is left to be done or told here.
    package func isIdle(isBusy: Bool) -> Bool {
        guard !isBusy, sent == nil, completions.isEmpty, !isLeaving else { return false }
        return isClosed || (!isHungry && !isRung && !hasNextDue)
    }

    /// The next turn. `attempts`: what is under way; `epoch`: that under which the agent stands for its server.
    package mutating func turn(limit: Int, attempts: [RunAttempt], epoch: Int64, at now: Instant) -> RunTurn {
        isInFlight = true
        if var turn = sent {
            turn.isRepeat = true
            // The leases may be nearly over by now, and the turn itself would give up those that are.
            turn.heartbeats = Array(attempts.prefix(RunBounds.largestBatch))
            sent = turn
            return turn
        }
        var turn = RunTurn(
            queue: queue, server: server, token: "\(nonce)-\(count)", limit: min(limit, RunBounds.largestBatch),
            lease: timing.lease, isBoot: isBoot, completions: Array(completions.prefix(RunBounds.largestBatch)),
            agent: agent, epoch: epoch)
        count += 1
        isRung = false
        if heartbeatAt <= now {
            turn.heartbeats = Array(attempts.prefix(RunBounds.largestBatch))
            heartbeatAt = now + timing.lease / 3
        }
        sent = turn
        return turn
    }

    /// The completions are taken, or lost: both are the end of them.
    package mutating func answered(_ reply: RunTurnReply, at now: Instant) {
        guard let turn = sent else { preconditionFailure("only what was sent is answered") }
        sent = nil
        isInFlight = false
        // An agent that does not stand for its server has not begun here.
        if reply.holder == nil { isBoot = false }
        failures = 0
        retry.reset()
        completions.removeFirst(turn.completions.count)
        isHungry = reply.holder == nil && reply.claims.count + reply.unreadable.count >= turn.limit
        if !reply.claims.isEmpty { usedAt = now }
        hasNextDue = reply.nextDueAt != nil
        let due = reply.nextDueAt.map { now + max(Self.shortestWait, $0 - reply.now) } ?? now + timing.wait
        dueAt = min(due, now + timing.wait)
        // What was claimed just now needs no heartbeat yet.
        if !reply.claims.isEmpty, heartbeatAt <= now { heartbeatAt = now + timing.lease / 3 }
    }

    /// Nobody knows whether it was taken. What it claimed then it is given again; it asks for nothing more, so that a part
    /// of the store that is away holds no places.
    package mutating func unanswered(at now: Instant) {
        isInFlight = false
        sent?.limit = 0
        failures += 1
        retryAt = now + retry.wait()
    }

    /// This server is about to be taken off the pool's list.
    package mutating func leave() {
        isNamed = false
        isLeaving = true
    }

    /// It was taken off: a last look is due, for what came before that.
    package mutating func left(at now: Instant) {
        isLeaving = false
        isRung = true
        usedAt = now
    }
}
