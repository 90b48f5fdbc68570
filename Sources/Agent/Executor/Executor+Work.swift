// One job, from its claim to the report of how it ended: it waits for its turn, is done on a thread, and is told.

internal import Logging
internal import Model
internal import Store

extension Executor {
    /// Reports of an instance wait for the end of its job, but no longer than this.
    static let longestHold: Duration = .seconds(2)

    func start(_ claim: Claim, _ group: inout DiscardingTaskGroup) {
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
