// The queue of one server: ready → active → done | delayed → … → dead, plus cancelled.

internal import Model

extension InMemoryState {
    mutating func claim(
        server: String, token: String, limit: Int, lease: Duration, boot: Bool, now: Timestamp
    ) -> ClaimReply {
        for (id, job) in self[server: server].jobs {
            switch job.record.state {
            case .active where boot && job.token != token: giveBack(id, on: server, "its executor stopped", now: now)
            case .active where job.record.dueAt.map({ $0 <= now }) ?? true:
                giveBack(id, on: server, "its lease expired", now: now)
            case .delayed where job.record.dueAt.map({ $0 <= now }) ?? true: makeReady(id, on: server, now: now)
            default: break
            }
        }
        let again = claimAgain(server: server, token: token, until: now + lease)
        let ready = self[server: server].jobs.values.filter { $0.record.state == .ready }
            .sorted { ($0.readyAt, $0.record.job.id) < ($1.readyAt, $1.record.job.id) }
        let claims =
            again
            + ready.prefix(max(0, limit - again.count)).map { job in
                claim(job.record.job, on: server, token: token, until: now + lease, now: now)
            }
        let entry = self[server: server]
        return ClaimReply(
            claims: claims, assignmentRevision: entry.assignmentRevision,
            nextDueAt: entry.jobs.values.compactMap(\.record.dueAt).min(), now: now)
    }

    /// The answer to this very call was lost: what it was given is given to it again.
    private mutating func claimAgain(server: String, token: String, until end: Timestamp) -> [Claim] {
        let held = self[server: server].jobs.values.filter { $0.record.state == .active && $0.token == token }
        return held.sorted { $0.record.job.id < $1.record.job.id }.map { job in
            update(job.record.job.id, on: server) { $0.record.dueAt = end }
            return Claim(job: job.record.job, attempt: job.record.attempt, token: token, leaseEndsAt: end)
        }
    }

    private mutating func claim(
        _ job: Job, on server: String, token: String, until end: Timestamp, now: Timestamp
    ) -> Claim {
        let attempt = (self[server: server].jobs[job.id]?.record.attempt ?? 0) + 1
        update(job.id, on: server) { queued in
            queued.token = token
            queued.record.state = .active
            queued.record.attempt = attempt
            queued.record.claimedAt = now
            queued.record.dueAt = end
        }
        return Claim(job: job, attempt: attempt, token: token, leaseEndsAt: end)
    }

    /// An attempt that nobody will complete any more.
    private mutating func giveBack(_ id: String, on server: String, _ why: String, now: Timestamp) {
        guard let job = self[server: server].jobs[id] else { return }
        if job.record.attempt >= Job.maximumAttempts {
            die(id, on: server, error: Job.exhausted(why), now: now)
            addChange(.instance(job.record.job.plan.instance), "job", shard: StoreLayout.shard(of: server))
        } else {
            makeReady(id, on: server, now: now)
        }
    }

    private mutating func makeReady(_ id: String, on server: String, now: Timestamp) {
        update(id, on: server) { queued in
            queued.token = nil
            queued.readyAt = now
            queued.record.state = .ready
            queued.record.dueAt = nil
        }
    }

    mutating func heartbeat(
        server: String, ids: [String], token: String, lease: Duration, now: Timestamp
    ) -> [String] {
        ids.filter { id in
            guard let job = self[server: server].jobs[id], job.record.state == .active, job.token == token else {
                return true
            }
            update(id, on: server) { $0.record.dueAt = now + lease }
            return false
        }
    }

    mutating func complete(
        server: String, id: String, token: String, result: AttemptResult, output: String, report: InstanceReport?,
        now: Timestamp
    ) throws(StoreError) {
        guard let queued = self[server: server].jobs[id] else { throw .conflict(found: "no such job") }
        guard queued.record.state == .active, queued.token == token else {
            if queued.completedToken == token { return }
            throw .conflict(found: "\(queued.record.state.rawValue), attempt \(queued.record.attempt)")
        }
        if let report, holder(of: server, besides: report.agent) == nil { _ = self.report(report, now: now) }
        update(id, on: server) { queued in
            queued.completedToken = token
            queued.record.output = StoreBounds.bounded(output: output)
        }
        switch result {
        case .done:
            end(id, on: server, as: .done, error: nil, now: now)
            settleRound(after: queued, now: now)
        case .dead(let error) where isOutdated(queued.record.job):
            end(id, on: server, as: .cancelled, error: StoreBounds.bounded(error: error), now: now)
        case .dead(let error): die(id, on: server, error: error, now: now)
        case .failed(let error, _) where queued.record.attempt >= Job.maximumAttempts:
            die(id, on: server, error: error, now: now)
        case .failed(let error, let retryAfter):
            update(id, on: server) { queued in
                queued.token = nil
                queued.record.state = .delayed
                queued.record.error = StoreBounds.bounded(error: error)
                queued.record.dueAt = now + retryAfter
            }
            let job = queued.record.job
            if job.kind == .apply {
                self[instance: job.plan.instance]?.control?.round.error = StoreBounds.bounded(error: error)
            }
        }
        addChange(.instance(queued.record.job.plan.instance), "job", shard: StoreLayout.shard(of: server))
    }

    /// Of an epoch or generation that is over, so that the agent would not do it: what is right now is emitted anew.
    private func isOutdated(_ job: Job) -> Bool {
        let sealed = shards[job.plan.instance.shard].fence?.epoch ?? 0
        let assigned = self[instance: job.plan.instance]?.control?.assignment?.generation ?? 0
        return job.kind == .apply && (job.epoch < sealed || job.plan.generation < assigned)
    }

    /// A job that ended well and after which all is observed as before it was planned counts as a round, like a dead one.
    private mutating func settleRound(after queued: QueuedJob, now: Timestamp) {
        let job = queued.record.job
        guard job.kind == .apply else { return }
        if let revision = self[instance: job.plan.instance]?.observed?.revision, revision == queued.revision {
            nextRound(of: job, error: "the job ended well and changed nothing", now: now)
        } else {
            self[instance: job.plan.instance]?.control?.round = RoundState()
        }
    }

    private mutating func die(_ id: String, on server: String, error: String, now: Timestamp) {
        guard let job = self[server: server].jobs[id]?.record.job else { return }
        let error = StoreBounds.bounded(error: error)
        end(id, on: server, as: .dead, error: error, now: now)
        nextRound(of: job, error: error, now: now)
    }

    private mutating func nextRound(of job: Job, error: String, now: Timestamp) {
        guard job.kind == .apply, var round = self[instance: job.plan.instance]?.control?.round else { return }
        round.round = round.generation == job.plan.generation ? round.round + 1 : 1
        round.generation = job.plan.generation
        round.endedAt = now
        round.error = error
        self[instance: job.plan.instance]?.control?.round = round
    }

    /// The job is over: its instance is free for the next one.
    mutating func end(_ id: String, on server: String, as state: JobState, error: String?, now: Timestamp) {
        guard let job = self[server: server].jobs[id]?.record.job else { return }
        update(id, on: server) { queued in
            queued.token = nil
            queued.record.state = state
            queued.record.finishedAt = now
            queued.record.dueAt = nil
            queued.record.error = error
        }
        if self[instance: job.plan.instance]?.control?.openJob == id {
            self[instance: job.plan.instance]?.control?.openJob = nil
        }
        let ended = self[server: server].jobs.values.filter { !$0.record.state.isOpen }.sorted {
            ($0.record.finishedAt ?? now, $0.record.job.id) < ($1.record.finishedAt ?? now, $1.record.job.id)
        }
        for job in ended.dropLast(QueueBounds.endedJobsKept) {
            self[server: server].jobs[job.record.job.id] = nil
        }
    }

    mutating func cancel(server: String, id: String, now: Timestamp) -> Bool {
        guard isUnstarted(id, on: server), let job = self[server: server].jobs[id]?.record.job else { return false }
        end(id, on: server, as: .cancelled, error: nil, now: now)
        addChange(.instance(job.plan.instance), "job", shard: StoreLayout.shard(of: server))
        return true
    }

    /// The round's number stays, so that the next job has an id of its own.
    mutating func retry(_ id: InstanceID, now: Timestamp) -> Bool {
        guard let control = self[instance: id]?.control else { return false }
        self[instance: id]?.control?.round.endedAt = nil
        var waited = control.round.endedAt != nil
        if let job = control.openJob, self[server: id.server].jobs[job]?.record.state == .delayed {
            makeReady(job, on: id.server, now: now)
            wakes.insert(id.server)
            waited = true
        }
        if waited { addChange(.instance(id), "retried", shard: id.shard) }
        return waited
    }

    private mutating func update(_ id: String, on server: String, _ change: (inout QueuedJob) -> Void) {
        guard var job = self[server: server].jobs[id] else { return }
        change(&job)
        self[server: server].jobs[id] = job
    }
}
