// Takes jobs from this server's queue and does them. The queue decides who may: a claim is a right for a time (lease),
// extended by heartbeats, and a completion counts only with the token of the attempt that holds it.

package import Logging
internal import Model
package import Store
internal import Synchronization

package final class Executor: Sendable {
    package struct Timing: Sendable {
        package var lease: Duration = .seconds(10)
        /// How long one wait for a hint may take.
        package var wait: Duration = .seconds(10)
        package init() {}
    }

    /// How many jobs are done at the same time.
    package static let mostJobs = 4
    /// Reports of an instance wait for the end of its job, but no longer than this.
    static let longestHold: Duration = .seconds(2)

    /// Between two looks at the queue that nothing but time asks for.
    private static let shortestWait: Duration = .milliseconds(10)

    private let store: any AgentStore
    private let observer: Observer
    private let reporter: Reporter
    private let runner: JobRunner
    private let server: String
    private let timing: Timing
    private let outage: Outage
    private let log: Logger
    private let nonce: String
    private let attempts = Attempts()
    private let hands = WorkerPool(name: "job", maximum: Executor.mostJobs)
    private let alarm = Alarm()
    private let assignmentRevision = Mutex<Int?>(nil)
    /// Told when the store may have forgotten what it was told.
    private let onNewAssignments: @Sendable () -> Void
    /// Told how often the server is to be reported.
    private let onReportInterval: @Sendable (Duration?) -> Void

    package init(
        store: any AgentStore, observer: Observer, reporter: Reporter, runner: JobRunner, timing: Timing,
        outage: Outage, log: Logger, nonce: String, onNewAssignments: @escaping @Sendable () -> Void,
        onReportInterval: @escaping @Sendable (Duration?) -> Void
    ) {
        self.store = store
        self.observer = observer
        self.reporter = reporter
        self.runner = runner
        self.server = runner.server
        self.timing = timing
        self.outage = outage
        self.log = log
        self.nonce = nonce
        self.onNewAssignments = onNewAssignments
        self.onReportInterval = onReportInterval
    }

    /// Works until it is cancelled. A job that is under way then is left where it is: the next life goes on with it.
    package func run() async {
        await withDiscardingTaskGroup { group in
            group.addTask { await self.beat() }
            group.addTask { await self.listen() }
            var boot = true
            var retry = StoreRetry()
            var count = 0
            while !Task.isCancelled {
                // A claim whose answer was lost is sent again under its token, and given what it was given.
                guard let reply = await claim(token: "\(nonce)-\(count)", boot: boot) else {
                    await alarm.wait(until: .now + retry.wait())
                    continue
                }
                boot = false
                count += 1
                noteUnreadable(reply.unreadable)
                let isUpToDate = await takeAssignments(reply.assignmentRevision)
                for claim in reply.claims { start(claim, &group) }
                let due =
                    reply.nextDueAt.map { .now + max(Self.shortestWait, $0 - reply.now) } as ContinuousClock.Instant?
                if isUpToDate { retry.reset() }
                await alarm.wait(until: isUpToDate ? due : .now + retry.wait())
            }
            attempts.giveUpAll()
        }
    }

    // MARK: the queue

    private func claim(token: String, boot: Bool) async -> ClaimReply? {
        do throws(StoreError) {
            let reply = try await store.claim(
                server: server, token: token, limit: attempts.room(among: Self.mostJobs), lease: timing.lease,
                boot: boot)
            outage.over()
            return reply
        } catch {
            outage.began(error)
            return nil
        }
    }

    /// Whether the assignments are those of this revision now.
    private func takeAssignments(_ announced: Int) async -> Bool {
        guard announced != assignmentRevision.withLock({ $0 }) else { return true }
        do throws(StoreError) {
            let list = try await store.assignments(server: server)
            let before = assignmentRevision.withLock { known in
                defer { known = list.revision }
                return known
            }
            noteUnreadable(list.unreadable)
            onReportInterval(list.reportInterval)
            // Who wrote them may have begun anew, with a store that lost what it was told: it is told again. That is rare,
            // and what the store has already costs it no new revision.
            if let before, list.revision != before {
                observer.table.forgetAllReported()
                onNewAssignments()
            }
            await observer.assign(list.assignments, confirmed: true)
            reporter.wake()
            return true
        } catch {
            outage.began(error)
            return false
        }
    }

    /// What somebody's hand has damaged is said once, and the rest goes on.
    private func noteUnreadable(_ problems: [String]) {
        for problem in problems { log.error("what is stored cannot be read", metadata: ["reason": "\(problem)"]) }
    }

    /// Turns the store's hints into looks at the queue. Without a hint it is looked at once in a while all the same: a hint
    /// can be lost, and a store that lost everything gives none.
    private func listen() async {
        var retry = StoreRetry()
        while !Task.isCancelled {
            do throws(StoreError) {
                _ = try await store.waitForWork(server: server, timeout: timing.wait)
                alarm.ring()
                retry.reset()
            } catch {
                outage.began(error)
                // Who answers next may be a replica or an older file, which has not all that was told before.
                observer.table.forgetAllReported()
                onNewAssignments()
                reporter.wake()
                try? await Task.sleep(for: retry.wait())
                alarm.ring()
            }
        }
    }

    private func beat() async {
        while !Task.isCancelled {
            try? await Task.sleep(for: timing.lease / 3)
            for (token, ids) in attempts.byToken {
                do throws(StoreError) {
                    let lost = try await store.heartbeat(server: server, ids: ids, token: token, lease: timing.lease)
                    if !lost.isEmpty { noteLost(lost) }
                } catch {
                    outage.began(error)
                }
            }
        }
    }

    /// The queue gave these up. The work goes on: if the job comes again, it is reported under its new token, and if it
    /// does not, its completion is refused.
    private func noteLost(_ ids: [String]) {
        log.notice("the lease of jobs was lost", metadata: ["jobs": "\(ids.joined(separator: ","))"])
    }

    // MARK: one job

    private func start(_ claim: Claim, _ group: inout DiscardingTaskGroup) {
        let job = claim.job
        let hasPackages = job.kind == .apply && job.plan.steps.contains { $0.field.kind == .package }
        guard let giveUp = attempts.begin(claim, isWaiting: hasPackages) else { return }
        group.addTask { [attempts] in
            if hasPackages {
                await attempts.packageLane.run {
                    attempts.stopWaiting(job.id)
                    await self.workInTurn(claim, giveUp)
                }
            } else {
                await self.workInTurn(claim, giveUp)
            }
            attempts.end(job.id)
            self.alarm.ring()
        }
    }

    private func workInTurn(_ claim: Claim, _ giveUp: GiveUp) async {
        await attempts.lane(of: claim.job.plan.instance).run { await work(claim, giveUp) }
    }

    private func work(_ claim: Claim, _ giveUp: GiveUp) async {
        let job = claim.job
        let id = job.plan.instance
        observer.table.hold(id, until: .now + Self.longestHold)
        defer {
            observer.table.hold(id, until: nil)
            reporter.wake()
        }
        let began = ContinuousClock.now
        let services = observer.services(of: id)
        let answer = await hands.runUnlessCancelled { [runner] in
            runner.run(job, attempt: claim.attempt, giveUp: giveUp)
        }
        guard let outcome = answer ?? nil else {
            return log.notice("an attempt was given up", metadata: ["job": "\(job.id)"])
        }
        if job.kind == .apply {
            for (key, value) in outcome.proofs { observer.note(value, for: key, of: id) }
            if observer.services(of: id) != services { observer.table.doubtHealth(of: id) }
            if !outcome.gone { await observer.look(at: Set(job.plan.steps.map(\.field)), of: id) }
            logEnd(job, claim.attempt, outcome, after: .now - began)
        }
        await report(job, outcome)
        observer.hurryChecks(of: id)
    }

    /// Reports until the store has it, or says that it is no longer this agent's to report. A store that stays away past
    /// the lease gives the job out again, and the ledger answers.
    private func report(_ job: Job, _ outcome: JobOutcome) async {
        let end = ContinuousClock.now + timing.lease
        var retry = StoreRetry()
        while !Task.isCancelled, let claim = attempts.claim(job.id) {
            do throws(StoreError) {
                return try await reporter.complete(
                    job, token: claim.token, result: outcome.result, output: outcome.output, gone: outcome.gone)
            } catch {
                switch error {
                case .unavailable, .indeterminate:
                    outage.began(error)
                    guard ContinuousClock.now < end else { return }
                    try? await Task.sleep(for: retry.wait())
                default:
                    return log.notice(
                        "the result of an attempt was not taken",
                        metadata: ["job": "\(job.id)", "attempt": "\(claim.attempt)", "reason": "\(error)"])
                }
            }
        }
    }

    private func logEnd(_ job: Job, _ attempt: Int, _ outcome: JobOutcome, after time: Duration) {
        var metadata: Logger.Metadata = [
            "job": "\(job.id)", "instance": "\(job.plan.instance)", "generation": "\(job.plan.generation)",
            "epoch": "\(job.epoch)", "attempt": "\(attempt)", "took": "\(time.wholeMilliseconds)ms",
        ]
        switch outcome.result {
        case .done: log.info("a job is done", metadata: metadata)
        case .failed(let error, let wait):
            metadata["error"] = "\(error)"
            metadata["again"] = "\(wait.wholeMilliseconds)ms"
            log.warning("a job failed", metadata: metadata)
        case .dead(let error):
            metadata["error"] = "\(error)"
            log.error("a job is dead", metadata: metadata)
        }
    }
}
