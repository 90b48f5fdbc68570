// Fairness between queues, and what is said to one queue when.

import Agent
import Model
import Store
import Testing

@Suite struct RunRotationTests {
    private static let queues = ["a", "b", "c"].map { RunQueue.server($0) }

    @Test func `each queue gets one place before any gets two`() {
        var rotation = RunRotation()
        for queue in Self.queues { rotation.add(queue) }
        let shares = rotation.shares(of: 8, among: Set(Self.queues))
        #expect(shares.values.sorted() == [2, 3, 3])
    }

    @Test func `one place goes round, and a lone queue gets all`() {
        var rotation = RunRotation()
        for queue in Self.queues { rotation.add(queue) }
        var counts: [RunQueue: Int] = [:]
        for _ in 0..<30 {
            for (queue, share) in rotation.shares(of: 1, among: Set(Self.queues)) { counts[queue, default: 0] += share }
        }
        #expect(Self.queues.allSatisfy { counts[$0] == 10 })
        #expect(rotation.shares(of: 5, among: [Self.queues[1]]) == [Self.queues[1]: 5])
        #expect(rotation.shares(of: 0, among: Set(Self.queues)).isEmpty)
    }

    @Test func `whoever got less is served first the next time`() {
        var rotation = RunRotation()
        for queue in Self.queues { rotation.add(queue) }
        let first = rotation.shares(of: 4, among: Set(Self.queues))
        let second = rotation.shares(of: 4, among: Set(Self.queues))
        #expect(first[Self.queues[0]] == 2 && second[Self.queues[0]] == 1 && second[Self.queues[1]] == 2)
    }
}

@Suite struct RunDesksTests {
    private let start = ContinuousClock.now
    private let own = RunQueue.server("server1")
    private let pool = Pool(selector: ["role": "web"])
    private let time = Timestamp(milliseconds: 1_000_000)

    private func desks() -> RunDesks {
        RunDesks(server: "server1", agent: nil, nonce: "n", timing: Executor.Timing(), at: start)
    }

    private func claims(_ count: Int, on queue: RunQueue) -> [RunClaim] {
        (0..<count).map { number in
            RunClaim(
                queue: queue, job: RunJob(id: "j\(number)", steps: [], origin: "test"), enqueuedAt: time, attempt: 1,
                token: "t")
        }
    }

    @Test func `a turn whose answer was lost is sent again under its token, and nothing else before`() throws {
        var desks = desks()
        let first = try #require(desks.turns(room: 4, attempts: [:], at: start).first)
        #expect(first.isBoot && !first.isRepeat && first.limit == 4)
        #expect(desks.turns(room: 4, attempts: [:], at: start).isEmpty)
        _ = desks.unanswered(first, at: start)
        let completion = RunCompletion(id: "x", token: "t", result: .done)
        desks.end(completion, on: own, at: start)
        #expect(desks.turns(room: 4, attempts: [:], at: start).isEmpty)
        let second = try #require(desks.turns(room: 4, attempts: [:], at: start + .seconds(1)).first)
        #expect(second.limit == 0, "what is away holds no places")
        #expect(second.isRepeat && second.token == first.token && second.isBoot && second.completions.isEmpty)
        desks.answered(second, RunTurnReply(now: time), at: start + .seconds(1))
        let third = try #require(desks.turns(room: 4, attempts: [:], at: start + .seconds(1)).first)
        #expect(!third.isBoot && !third.isRepeat && third.token != first.token && third.completions == [completion])
    }

    @Test func `an idle queue is visited at each hint, when something is due, and each 10 s`() throws {
        var desks = desks()
        let first = try #require(desks.turns(room: 8, attempts: [:], at: start).first)
        desks.answered(first, RunTurnReply(now: time, nextDueAt: time + .seconds(3)), at: start)
        #expect(desks.nextAt(busy: []) == start + .seconds(3))
        #expect(desks.turns(room: 8, attempts: [:], at: start + .seconds(2)).isEmpty)
        let due = try #require(desks.turns(room: 8, attempts: [:], at: start + .seconds(3)).first)
        desks.answered(due, RunTurnReply(now: time), at: start + .seconds(3))
        #expect(desks.nextAt(busy: []) == start + .seconds(13))
        desks.ringAll()
        #expect(desks.turns(room: 8, attempts: [:], at: start + .seconds(4)).count == 1)
    }

    @Test func `heartbeats go each third of a lease, with what else there is to say`() throws {
        var desks = desks()
        let attempt = RunAttempt(id: "j0", token: "t")
        let first = try #require(desks.turns(room: 8, attempts: [:], at: start).first)
        desks.answered(first, RunTurnReply(now: time, claims: claims(1, on: own)), at: start)
        let busy = [own: [attempt]]
        #expect(desks.turns(room: 7, attempts: busy, at: start + .seconds(3)).isEmpty)
        let beat = try #require(desks.turns(room: 7, attempts: busy, at: start + .seconds(4)).first)
        #expect(beat.heartbeats == [attempt])
    }

    @Test func `a busy queue does not starve a pool, and what one leaves the other gets`() throws {
        let pool = RunQueue.pool(try #require(pool))
        var desks = desks()
        let first = try #require(desks.turns(room: 4, attempts: [:], at: start).first)
        let reply = RunTurnReply(
            now: time, claims: claims(4, on: own), pools: [try #require(self.pool)], labels: ["role": "web"])
        desks.answered(first, reply, at: start)
        #expect(desks.queues == [pool, own].sorted())
        // All places are taken: the pool is looked at all the same, for what it may have to say.
        let look = desks.turns(room: 0, attempts: [own: []], at: start)
        #expect(look.map(\.queue) == [pool] && look[0].limit == 0)
        desks.answered(look[0], RunTurnReply(now: time), at: start)
        // One place is free, and both want it.
        var served: [RunQueue] = []
        for _ in 0..<4 {
            let turns = desks.turns(room: 1, attempts: [own: []], at: start)
            #expect(turns.map(\.limit) == [1])
            served += turns.map(\.queue)
            for turn in turns {
                let named = turn.queue == own ? reply.pools : []
                let labels = turn.queue == own ? reply.labels : nil
                desks.answered(
                    turn, RunTurnReply(now: time, claims: claims(1, on: turn.queue), pools: named, labels: labels),
                    at: start)
            }
        }
        #expect(served.count { $0 == own } == 2)
    }

    @Test func `a pool is left when its labels do not match any more, or after an hour without a job`() throws {
        let pool = try #require(pool)
        var desks = desks()
        func visit(_ labels: [String: String]?, at now: ContinuousClock.Instant) {
            desks.ringAll()
            for turn in desks.turns(room: 8, attempts: [:], at: now) {
                let reply =
                    turn.queue == own
                    ? RunTurnReply(now: time, pools: [pool], labels: labels) : RunTurnReply(now: time)
                desks.answered(turn, reply, at: now)
            }
        }
        visit(["role": "web"], at: start)
        visit(["role": "web"], at: start)
        #expect(desks.poolsToLeave(busy: [], at: start).isEmpty)
        #expect(desks.poolsToLeave(busy: [], at: start + .seconds(3601)) == [pool])
        // That there is no Server of this name is no reason.
        visit(nil, at: start)
        #expect(desks.poolsToLeave(busy: [], at: start).isEmpty)
        visit(["role": "db"], at: start)
        #expect(desks.poolsToLeave(busy: [], at: start) == [pool])
        desks.leave(pool)
        desks.dropIdle(busy: [])
        #expect(desks[.pool(pool)] != nil, "the store was not told yet")
        desks.left(pool, at: start)
        desks.dropIdle(busy: [.pool(pool)])
        #expect(desks[.pool(pool)] != nil)
        desks.dropIdle(busy: [])
        #expect(desks[.pool(pool)] == nil)
    }

    @Test func `a pool that was left for want of jobs is looked at once more before it is forgotten`() throws {
        let pool = try #require(pool)
        var desks = desks()
        let first = try #require(desks.turns(room: 8, attempts: [:], at: start).first)
        desks.answered(first, RunTurnReply(now: time, pools: [pool], labels: ["role": "web"]), at: start)
        let look = try #require(desks.turns(room: 8, attempts: [:], at: start).first)
        desks.answered(look, RunTurnReply(now: time), at: start)
        // A look that is under way while it is left may have been too early.
        let late = try #require(
            desks.turns(room: 8, attempts: [:], at: start + .seconds(3600)).first { $0.queue == .pool(pool) })
        desks.leave(pool)
        desks.left(pool, at: start + .seconds(3601))
        desks.answered(late, RunTurnReply(now: time), at: start + .seconds(3601))
        desks.dropIdle(busy: [])
        let last = try #require(
            desks.turns(room: 8, attempts: [:], at: start + .seconds(3601)).first { $0.queue == .pool(pool) })
        desks.answered(last, RunTurnReply(now: time), at: start + .seconds(3601))
        desks.dropIdle(busy: [])
        #expect(desks[.pool(pool)] == nil)
    }

    @Test func `a turn that is sent again extends the leases of all that is held by then`() throws {
        var desks = desks()
        let first = try #require(desks.turns(room: 8, attempts: [:], at: start).first)
        _ = desks.unanswered(first, at: start)
        let attempt = RunAttempt(id: "j0", token: "t")
        let again = try #require(desks.turns(room: 7, attempts: [own: [attempt]], at: start + .seconds(60)).first)
        #expect(again.isRepeat && again.heartbeats == [attempt])
    }

    @Test func `jobs that cannot be read do not hide that there may be more behind them`() throws {
        var desks = desks()
        let first = try #require(desks.turns(room: 2, attempts: [:], at: start).first)
        desks.answered(first, RunTurnReply(now: time, unreadable: ["a: x", "b: x"]), at: start)
        #expect(desks.turns(room: 2, attempts: [:], at: start).map(\.limit) == [2])
    }

    @Test func `an end is told although its pool was forgotten`() throws {
        let pool = RunQueue.pool(try #require(pool))
        var desks = desks()
        let end = RunCompletion(id: "x", token: "t", result: .done)
        desks.end(end, on: pool, at: start)
        #expect(desks.turns(room: 2, attempts: [:], at: start).first { $0.queue == pool }?.completions == [end])
    }

    @Test func `that a pool alone cannot be visited is said once, and once that it can`() throws {
        let pool = RunQueue.pool(try #require(pool))
        var desks = desks()
        let first = try #require(desks.turns(room: 8, attempts: [:], at: start).first)
        desks.answered(
            first, RunTurnReply(now: time, pools: [try #require(self.pool)], labels: ["role": "web"]), at: start)
        var said = 0
        var now = start
        for _ in 0..<20 {
            now += .seconds(2)
            for turn in desks.turns(room: 8, attempts: [:], at: now) where turn.queue == pool {
                said += desks.unanswered(turn, at: now) ? 1 : 0
            }
        }
        let isBackBefore = desks.isBack(pool)
        #expect(said == 1 && !isBackBefore)
        let turn = try #require(desks.turns(room: 8, attempts: [:], at: now + .seconds(2)).first { $0.queue == pool })
        desks.answered(turn, RunTurnReply(now: time), at: now)
        let words = [desks.isBack(pool), desks.isBack(pool)]
        #expect(words == [true, false])
    }
}
