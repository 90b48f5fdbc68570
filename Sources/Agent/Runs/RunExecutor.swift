// Takes jobs of people, schedules and scripts: from this server's queue and from those of the pools that it is in. Each
// queue is visited by one turn at a time, in which all is said and asked at once; turns of different queues go side by
// side, so that a part of the store that does not answer holds up no other.

package import Logging
internal import Model
package import Store
internal import Synchronization

package final class RunExecutor: Sendable {
    /// How many jobs are done at the same time, unless the agent was told otherwise.
    package static let mostRuns = 8
    /// What it may be told.
    package static let mostRunsRange = 1...64

    private let store: any RunQueueStore
    private let runner: RunRunner
    private let most: Int
    private let timing: Executor.Timing
    private let standing: Standing
    private let outage: Outage
    private let log: Logger
    private let packageLane: AsyncLane
    private let hands: WorkerPool
    private let active = ActiveRuns()
    private let alarm = Alarm()
    private var own: RunQueue { .server(runner.server) }
    private let desks: Mutex<RunDesks>

    package init(
        store: any RunQueueStore, runner: RunRunner, most: Int, timing: Executor.Timing, standing: Standing,
        outage: Outage, log: Logger, nonce: String, packageLane: AsyncLane
    ) {
        self.store = store
        self.runner = runner
        self.most = min(max(most, Self.mostRunsRange.lowerBound), Self.mostRunsRange.upperBound)
        self.timing = timing
        self.standing = standing
        self.outage = outage
        self.log = log
        self.packageLane = packageLane
        hands = WorkerPool(name: "run", maximum: self.most)
        desks = Mutex(
            RunDesks(server: runner.server, agent: standing.agent, nonce: nonce, timing: timing, at: .now))
    }

    /// The store hinted that something came for this server.
    package func wake() {
        desks.withLock { $0.ringAll() }
        alarm.ring()
    }

    /// Works until it is cancelled. A program that runs then goes on: the next life of the agent waits for its end.
    package func run() async {
        await withDiscardingTaskGroup { group in
            while !Task.isCancelled {
                let now = ContinuousClock.now
                let (turns, leaving, next) = desks.withLock { desks in
                    // Read in here: what begins or ends meanwhile is then in these or in its desk, and never in neither.
                    let attempts = active.attempts
                    let busy = Set(attempts.keys)
                    desks.dropIdle(busy: busy)
                    let leaving = desks.poolsToLeave(busy: busy, at: now)
                    for pool in leaving { desks.leave(pool) }
                    let turns = desks.turns(room: active.room(among: most), attempts: attempts, at: now)
                    return (turns, leaving, desks.nextAt(busy: busy))
                }
                for pool in leaving { group.addTask { await self.leave(pool) } }
                for turn in turns { group.addTask { await self.take(turn) } }
                await alarm.wait(until: next)
            }
            active.giveUpAll()
        }
    }

    // MARK: turns

    private func take(_ turn: RunTurn) async {
        let reply: RunTurnReply
        do throws(StoreError) {
            reply = try await store.turn(turn)
        } catch {
            let isToBeSaid = desks.withLock { $0.unanswered(turn, at: .now) }
            say(error, of: turn.queue, isToBeSaid)
            return alarm.ring()
        }
        if turn.queue == own {
            outage.over()
            standing.heard(reply.holder, at: reply.now)
        } else if reply.holder != nil {
            log.notice(
                "a pool gives this agent nothing: another of this server came there later",
                metadata: ["queue": "\(turn.queue)"])
        }
        let begun = reply.claims.compactMap { begin($0, at: reply.now) }
        // Before anything of it begins: what somebody wanted ended while nobody was here does not.
        for claim in active.cancel(reply.cancelled, on: turn.queue) { end(claim, RunOutcome(result: .cancelled)) }
        let isBack = desks.withLock { desks in
            desks.answered(turn, reply, at: .now)
            return desks.isBack(turn.queue)
        }
        if isBack { log.notice("a pool can be visited again", metadata: ["queue": "\(turn.queue)"]) }
        say(reply, turn.queue)
        alarm.ring()
        guard !begun.isEmpty else { return }
        await withDiscardingTaskGroup { group in
            for run in begun { group.addTask { await self.work(run) } }
        }
    }

    private func begin(_ claim: RunClaim, at now: Timestamp) -> ActiveRun? {
        let deadline = claim.job.deadline.map { ContinuousClock.now + ($0 - now) }
        return active.begin(claim, deadline: deadline, isWaiting: RunRunner.hasPackages(claim.job))
    }

    /// Said once, and the rest goes on. An attempt that is somebody else's now goes on too: if it comes again it is told
    /// under its new token, and if it does not, its end is refused.
    private func say(_ reply: RunTurnReply, _ queue: RunQueue) {
        for problem in reply.unreadable {
            log.error("what is stored cannot be read", metadata: ["reason": "\(problem)"])
        }
        guard !reply.lost.isEmpty else { return }
        log.notice(
            "attempts of runs were lost",
            metadata: ["queue": "\(queue)", "jobs": "\(reply.lost.joined(separator: ","))"])
    }

    /// A pool that this user of the store may not visit, or whose part of the store is away, says nothing of the rest.
    private func say(_ error: StoreError, of queue: RunQueue, _ isToBeSaid: Bool) {
        if queue == own { outage.began(error) }
        let metadata: Logger.Metadata = ["queue": "\(queue)", "reason": "\(error)"]
        if error.isLasting {
            log.error("a queue of runs cannot be visited", metadata: metadata)
        } else if isToBeSaid {
            log.warning("a pool cannot be visited; the other queues are", metadata: metadata)
        }
    }

    private func leave(_ pool: Pool) async {
        // If it fails, it is named again with the next turn, and then left again.
        try? await store.leave(pool, server: runner.server)
        desks.withLock { $0.left(pool, at: .now) }
        alarm.ring()
    }

    // MARK: jobs

    private func work(_ run: ActiveRun) async {
        guard RunRunner.hasPackages(run.claim.job) else { return await perform(run) }
        await packageLane.run {
            if active.stopWaiting(run.claim.ledgerKey) { await perform(run) }
        }
    }

    private func perform(_ run: ActiveRun) async {
        let key = run.claim.ledgerKey
        let began = ContinuousClock.now
        async let sent: Void = send(run.feed, of: key)
        let outcome = await hands.runUnlessCancelled { [runner] in runner.run(run) } ?? nil
        // What it wrote is there before its end is.
        await sent
        guard let claim = active.end(key), let outcome else { return }
        logEnd(claim, outcome, after: .now - began)
        end(claim, outcome)
    }

    private func end(_ claim: RunClaim, _ outcome: RunOutcome) {
        let completion = RunCompletion(
            id: claim.job.id, token: claim.token, result: outcome.result, exitCode: outcome.exitCode)
        desks.withLock { $0.end(completion, on: claim.queue, at: .now) }
        alarm.ring()
    }

    /// Brings output to the store as it comes, until all of it is there; where the store stays away, no longer than a
    /// lease after the end of the job.
    private func send(_ feed: RunFeed, of key: String) async {
        var retry = StoreRetry()
        var end: ContinuousClock.Instant?
        while !Task.isCancelled {
            let (chunks, isLast) = feed.next
            if isLast, chunks.isEmpty { return }
            guard !chunks.isEmpty else {
                await feed.alarm.wait(until: nil)
                continue
            }
            guard let claim = active.claim(key) else { return }
            do throws(StoreError) {
                try await store.appendOutput(chunks, of: claim.job.id, on: claim.queue, token: claim.token)
                feed.taken(chunks.count)
                retry.reset()
            } catch {
                switch error {
                case .unavailable, .indeterminate:
                    outage.began(error)
                    if isLast { end = end ?? .now + timing.lease }
                    if let end, end <= .now { return }
                    try? await Task.sleep(for: retry.wait())
                default: feed.taken(chunks.count)
                }
            }
        }
    }

    private func logEnd(_ claim: RunClaim, _ outcome: RunOutcome, after time: Duration) {
        var metadata: Logger.Metadata = [
            "run": "\(claim.reference)", "attempt": "\(claim.attempt)", "origin": "\(claim.job.origin)",
            "took": "\(time.wholeMilliseconds)ms",
        ]
        switch outcome.result {
        case .done: log.info("a run is done", metadata: metadata)
        case .cancelled: log.notice("a run was cancelled", metadata: metadata)
        case .failed(let error, _):
            metadata["error"] = "\(error)"
            log.warning("a run failed", metadata: metadata)
        case .dead(let error):
            metadata["error"] = "\(error)"
            log.error("a run is dead", metadata: metadata)
        }
    }
}
