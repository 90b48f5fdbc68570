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
    /// Between two looks at the queue that nothing but time asks for.
    private static let shortestWait: Duration = .milliseconds(10)

    private let store: any AgentStore
    let observer: Observer
    let reporter: Reporter
    let runner: JobRunner
    private let server: String
    let timing: Timing
    private let standing: Standing
    let outage: Outage
    let log: Logger
    private let nonce: String
    let attempts: Attempts
    let hands = WorkerPool(name: "job", maximum: Executor.mostJobs)
    let alarm = Alarm()
    /// Who waits beside another agent of the server listens for no hints: each would miss those of the other.
    private let listening = Alarm()
    private let assignmentRevision = Mutex<Int?>(nil)
    /// Told when the store may have forgotten what it was told.
    private let onNewAssignments: @Sendable () -> Void
    /// Told of every hint that something came for this server.
    private let onHint: @Sendable () -> Void
    /// Told how often the server is to be reported.
    private let onReportInterval: @Sendable (Duration?) -> Void

    package init(
        store: any AgentStore, observer: Observer, reporter: Reporter, runner: JobRunner, timing: Timing,
        standing: Standing, outage: Outage, log: Logger, nonce: String, packageLane: AsyncLane = AsyncLane(),
        onHint: @escaping @Sendable () -> Void = {}, onNewAssignments: @escaping @Sendable () -> Void,
        onReportInterval: @escaping @Sendable (Duration?) -> Void
    ) {
        self.store = store
        self.observer = observer
        self.reporter = reporter
        self.runner = runner
        self.server = runner.server
        self.timing = timing
        self.standing = standing
        self.outage = outage
        self.log = log
        self.nonce = nonce
        attempts = Attempts(packageLane: packageLane)
        self.onHint = onHint
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
                count += 1
                standing.heard(reply.holder, at: reply.now)
                listening.ring()
                guard reply.holder == nil else {
                    await alarm.wait(until: due(reply))
                    continue
                }
                boot = false
                noteUnreadable(reply.unreadable)
                let isUpToDate = await takeAssignments(reply.assignmentRevision)
                for claim in reply.claims { start(claim, &group) }
                if isUpToDate { retry.reset() }
                await alarm.wait(until: isUpToDate ? due(reply) : .now + retry.wait())
            }
            attempts.giveUpAll()
        }
    }

    private func due(_ reply: ClaimReply) -> ContinuousClock.Instant? {
        reply.nextDueAt.map { .now + max(Self.shortestWait, $0 - reply.now) }
    }

    /// Another agent has spoken for the server meanwhile: what is assigned is read anew.
    package func lookAgain() {
        assignmentRevision.withLock { $0 = nil }
        listening.ring()
        alarm.ring()
    }

    // MARK: the queue

    private func claim(token: String, boot: Bool) async -> ClaimReply? {
        do throws(StoreError) {
            let reply = try await store.claim(
                server: server, token: token, limit: attempts.room(among: Self.mostJobs), lease: timing.lease,
                boot: boot, agent: standing.agent)
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
            guard !standing.isWaiting else {
                await listening.wait(until: nil)
                continue
            }
            do throws(StoreError) {
                let isHint = try await store.waitForWork(server: server, timeout: timing.wait)
                alarm.ring()
                if isHint { onHint() }
                retry.reset()
            } catch {
                outage.began(error)
                // Who answers next may be a replica or an older file, which has not all that was told before.
                observer.table.forgetAllReported()
                onNewAssignments()
                reporter.wake()
                try? await Task.sleep(for: retry.wait())
                alarm.ring()
                onHint()
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
}
