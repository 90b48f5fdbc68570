// What one reconcile writes.

internal import Model

extension InMemoryState {
    mutating func commit(_ commit: InstanceCommit, lease: Lease, now: Timestamp) throws(StoreError) {
        let id = commit.id
        try checkFence(lease, shard: id.shard)
        let entry = self[instance: id] ?? InstanceEntry()
        let revision = entry.observed?.revision ?? 0
        guard revision == commit.expectedRevision else { throw .conflict(found: "revision \(revision)") }
        let open = entry.control?.openJob
        guard open == commit.expectedOpenJob else { throw .conflict(found: open.map { "job \($0)" } ?? "no open job") }
        let cancels = commit.cancelUnstarted && open.map { isUnstarted($0, on: id.server) } == true
        let isNew = commit.job.map { mayEnqueue($0.id, on: id.server) } ?? false
        if isNew, let open, !cancels { throw .conflict(found: "job \(open) is not over") }

        if cancels, let open { end(open, on: id.server, as: .cancelled, error: nil, now: now) }
        switch commit.assignment {
        case .remove: remove(id, now: now)
        case .keep: writeControl(commit, assignment: nil, now: now)
        case .set(let assignment): writeControl(commit, assignment: assignment, now: now)
        }
        if isNew, let job = commit.job {
            if self[instance: id]?.control?.round.generation != job.plan.generation {
                self[instance: id]?.control?.round.error = nil
            }
            enqueue(job, opens: commit.assignment != .remove, revision: revision, now: now)
        }
        addDrifts(commit.driftRepaired, of: id)
        addEvents(commit.events, shard: id.shard)
        addChange(.instance(id), "committed", shard: id.shard)
    }

    private mutating func writeControl(_ commit: InstanceCommit, assignment: Assignment?, now: Timestamp) {
        var control = self[instance: commit.id]?.control ?? InstanceControl()
        control.phase = commit.phase
        control.message = commit.message
        control.metDigest = commit.metDigest
        for record in commit.driftOpened { control.drift[record.field] = record }
        for record in commit.driftRepaired { control.drift[record.field] = nil }
        if let assignment, assignment != control.assignment {
            control.assignment = assignment
            if control.round.generation != assignment.generation { control.round = RoundState() }
            moveAssignments(of: commit.id.server, now: now)
        }
        self[server: commit.id.server].instances[commit.id.appKey, default: InstanceEntry()].control = control
    }

    private mutating func remove(_ id: InstanceID, now: Timestamp) {
        guard let entry = self[instance: id] else { return }
        let floor = max(self[server: id.server].revisionFloor, entry.observed?.revision ?? 0)
        self[server: id.server].revisionFloor = floor
        self[instance: id] = nil
        moveAssignments(of: id.server, now: now)
    }

    /// Grows by the clock, so that it differs after the store was lost, too.
    mutating func moveAssignments(of server: String, now: Timestamp) {
        let before = self[server: server].assignmentRevision
        self[server: server].assignmentRevision = max(before + 1, Int(now.milliseconds))
        wakes.insert(server)
    }

    mutating func enqueue(_ job: Job, opens: Bool, revision: Int?, now: Timestamp) {
        let id = job.plan.instance
        let record = JobRecord(job: job, state: .ready, attempt: 0, enqueuedAt: now)
        self[server: id.server].jobs[job.id] = QueuedJob(record: record, readyAt: now, revision: revision)
        if opens { self[instance: id]?.control?.openJob = job.id }
        wakes.insert(id.server)
    }

    mutating func enqueueObserve(_ job: Job, now: Timestamp) throws(StoreError) {
        guard job.kind == .observe else {
            throw .unavailable("job \(job.id) is no observe job: only a leader emits those")
        }
        guard self[server: job.plan.instance.server].jobs[job.id] == nil else { return }
        enqueue(job, opens: false, revision: nil, now: now)
    }

    private mutating func addDrifts(_ records: [DriftRecord], of id: InstanceID) {
        guard !records.isEmpty else { return }
        self[server: id.server].drifts.append(contentsOf: records.map { (id, $0) })
        let excess = self[server: id.server].drifts.count - StoreBounds.driftEntries
        if excess > 0 { self[server: id.server].drifts.removeFirst(excess) }
    }

    /// A job that was cancelled may come again under its id: it was never done.
    private func mayEnqueue(_ job: String, on server: String) -> Bool {
        let state = self[server: server].jobs[job]?.record.state
        return state == nil || state == .cancelled
    }

    func isUnstarted(_ job: String, on server: String) -> Bool {
        let state = self[server: server].jobs[job]?.record.state
        return state == .ready || state == .delayed
    }
}
