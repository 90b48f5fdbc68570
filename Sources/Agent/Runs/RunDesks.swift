// All queues that one agent takes from: its own and those of its pools.

package import Model
package import Store

package struct RunDesks: Sendable {
    package typealias Instant = ContinuousClock.Instant

    /// A pool that had no job for so long is left; who puts one into it again calls its servers together again.
    static let poolPatience: Duration = .seconds(3600)

    /// About a second and a half.
    private static let failuresBeforeWord = 6

    private let server: String
    private let agent: AgentIdentity?
    private let nonce: String
    private let timing: Executor.Timing
    private var desks: [RunQueue: RunDesk] = [:]
    private var rotation = RunRotation()
    /// How many times a pool was begun with: a queue's tokens are never used twice.
    private var begun = 0
    /// Under which the agent stands for its server, by the last answer of the server's own queue; without one it takes
    /// from no pool.
    private var epoch: Int64?

    package init(
        server: String, agent: AgentIdentity?, nonce: String, timing: Executor.Timing, at now: Instant
    ) {
        self.server = server
        self.agent = agent
        self.nonce = nonce
        self.timing = timing
        open(.server(server), at: now)
    }

    package var queues: [RunQueue] { desks.keys.sorted() }

    package subscript(queue: RunQueue) -> RunDesk? { desks[queue] }

    private mutating func open(_ queue: RunQueue, at now: Instant) {
        desks[queue] = RunDesk(
            queue: queue, server: server, agent: agent, nonce: "\(nonce).\(begun)", timing: timing, at: now)
        begun += 1
        rotation.add(queue)
    }

    package mutating func ringAll() {
        for queue in desks.keys { desks[queue]?.ring() }
    }

    /// An end is told whatever became of the queue meanwhile.
    package mutating func end(_ completion: RunCompletion, on queue: RunQueue, at now: Instant) {
        if desks[queue] == nil { open(queue, at: now) }
        desks[queue]?.end(completion)
    }

    /// The turns that are due. `room`: how many jobs may be begun; `attempts`: what is under way, by queue.
    package mutating func turns(room: Int, attempts: [RunQueue: [RunAttempt]], at now: Instant) -> [RunTurn] {
        let free = room - desks.values.reduce(0) { $0 + $1.reserved }
        let wanting = Set(
            desks.values.filter { desk in
                let mayTake = desk.queue == .server(server) || epoch != nil
                return mayTake && desk.wantsJobs(at: now, isBusy: attempts[desk.queue] != nil)
            }.map(\.queue))
        let shares = rotation.shares(of: free, among: wanting)
        var turns: [RunTurn] = []
        for (queue, desk) in desks {
            let share = shares[queue] ?? 0
            guard share > 0 || desk.isDue(at: now, isBusy: attempts[queue] != nil) else { continue }
            let turn = desks[queue]?.turn(
                limit: share, attempts: attempts[queue] ?? [], epoch: epoch ?? 0, at: now)
            if let turn { turns.append(turn) }
        }
        return turns
    }

    package func nextAt(busy: Set<RunQueue>) -> Instant? {
        desks.values.compactMap { $0.nextAt(isBusy: busy.contains($0.queue)) }.min()
    }

    /// Whether people are to be told: once, and only of a pool. Where nothing answers, that is said elsewhere.
    package mutating func unanswered(_ turn: RunTurn, at now: Instant) -> Bool {
        desks[turn.queue]?.unanswered(at: now)
        guard let desk = desks[turn.queue], turn.queue != .server(server), !desk.isFailureSaid,
            desk.failures >= Self.failuresBeforeWord, desks[.server(server)]?.failures == 0
        else { return false }
        desks[turn.queue]?.isFailureSaid = true
        return true
    }

    /// Whether it was said of this queue that it does not answer, which is over.
    package mutating func isBack(_ queue: RunQueue) -> Bool {
        guard desks[queue]?.isFailureSaid == true, desks[queue]?.failures == 0 else { return false }
        desks[queue]?.isFailureSaid = false
        return true
    }

    package mutating func answered(_ turn: RunTurn, _ reply: RunTurnReply, at now: Instant) {
        desks[turn.queue]?.answered(reply, at: now)
        guard turn.queue == .server(server) else {
            // That another stands for the server, the server's own queue says with all that belongs to it.
            if reply.holder != nil { desks[.server(server)]?.ring() }
            return
        }
        epoch = reply.holder == nil ? reply.epoch : nil
        guard reply.holder == nil else { return }
        let named = reply.pools.prefix(Pool.mostOfOneServer)
        for pool in named where desks[.pool(pool)] == nil { open(.pool(pool), at: now) }
        for case .pool(let pool) in Array(desks.keys) {
            desks[.pool(pool)]?.isNamed = named.contains(pool)
            // That no Server is declared says nothing of its labels.
            if let labels = reply.labels { desks[.pool(pool)]?.isClosed = !pool.matches(labels) }
        }
    }

    /// Pools to be left now: those that this server is none of any more, and those that nobody used for long.
    package func poolsToLeave(busy: Set<RunQueue>, at now: Instant) -> [Pool] {
        guard epoch != nil else { return [] }
        return desks.values.compactMap { desk in
            guard case .pool(let pool) = desk.queue, desk.isNamed else { return nil }
            if desk.isClosed { return pool }
            let isUnused = desk.usedAt + Self.poolPatience <= now
            return isUnused && desk.isIdle(isBusy: busy.contains(desk.queue)) ? pool : nil
        }
    }

    package mutating func leave(_ pool: Pool) { desks[.pool(pool)]?.leave() }

    package mutating func left(_ pool: Pool, at now: Instant) { desks[.pool(pool)]?.left(at: now) }

    /// Forgets pools that are left and have nothing to be done or told any more.
    package mutating func dropIdle(busy: Set<RunQueue>) {
        for desk in desks.values where !desk.isNamed && desk.isIdle(isBusy: busy.contains(desk.queue)) {
            guard case .pool = desk.queue else { continue }
            desks[desk.queue] = nil
            rotation.remove(desk.queue)
        }
    }
}
