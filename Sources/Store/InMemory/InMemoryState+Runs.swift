// The queues of runs: ready → active → done | delayed … → dead, plus cancelled. What `turn` does comes in the order of its
// parts: ends, leases, what is due, claims.

internal import Model

struct RunQueueEntry {
    var jobs: [String: QueuedRun] = [:]
    var members: Set<String> = []
    /// Executors that said they are free, the latest last.
    var idle: [String] = []
    /// Of a pool: the highest epoch that came for each member.
    var epochs: [String: Int64] = [:]
}

struct QueuedRun {
    var record: RunRecord
    /// Ready ones are claimed by priority, then in this order.
    var readyAt: Timestamp
    /// Of the attempt under way, or of the one that ended last.
    var token: String?
    /// Whether the wait is that before another attempt.
    var isRetry = false
    /// Given up although it may have been done: its executor may still say how it ended.
    var isInDoubt = false
    var output: [(number: Int, text: String)] = []

    var isOver: Bool { !record.state.isOpen }
}

extension InMemoryState {
    mutating func enqueue(
        _ jobs: [RunJob], on queue: RunQueue, due: Timestamp, now: Timestamp
    ) -> [Enqueued] {
        let entry = runs[queue] ?? RunQueueEntry()
        runs[queue] = entry
        let answers = jobs.map { job -> Enqueued in
            if let known = runs[queue]?.jobs[job.id] { return .known(known.record.state) }
            let record = RunRecord(
                queue: queue, job: job, state: due > now ? .delayed : .ready, attempt: 0, enqueuedAt: now,
                dueAt: due > now ? due : nil)
            runs[queue]?.jobs[job.id] = QueuedRun(record: record, readyAt: now)
            return .created
        }
        wakeExecutors(of: queue, jobs: answers.count { $0 == .created })
        return answers
    }

    private mutating func wakeExecutors(of queue: RunQueue, jobs: Int) {
        guard jobs > 0 else { return }
        if case .server(let name) = queue {
            wakes.insert(name)
            return
        }
        let idle = runs[queue]?.idle ?? []
        let woken = idle.suffix(min(jobs, RunBounds.mostWoken))
        wakes.formUnion(woken)
        runs[queue]?.idle = Array(woken + idle.dropLast(woken.count))
    }

    mutating func turn(_ turn: RunTurn, now: Timestamp) -> RunTurnReply {
        var entry = runs[turn.queue] ?? RunQueueEntry()
        var reply = RunTurnReply(now: now)
        for completion in turn.completions where !entry.complete(completion, now: now) {
            reply.lost.append(completion.id)
        }
        var cancelled: [String] = []
        for attempt in turn.heartbeats where !entry.extend(attempt, until: now + turn.lease) {
            // It was cancelled while its executor was silent, which is at it still.
            let run = entry.jobs[attempt.id]
            let isCancelled = run?.record.state == .cancelled && run?.token == attempt.token
            if isCancelled { cancelled.append(attempt.id) } else { reply.lost.append(attempt.id) }
        }
        if case .server(let name) = turn.queue {
            (reply.epoch, reply.holder) = stand(turn.agent, for: name, now: now)
        } else if turn.epoch < entry.epochs[turn.server] ?? 0 {
            reply.holder = AgentHolder(place: "", heardAt: now)
        } else if entry.members.contains(turn.server) {
            entry.epochs[turn.server] = turn.epoch
        }
        if reply.holder == nil { entry.take(turn, &reply, now: now) }
        entry.trim(on: turn.queue, now: now)
        reply.cancelled =
            cancelled
            + entry.jobs.values.filter { $0.record.isCancelling && $0.record.server == turn.server }
            .map(\.record.job.id).sorted()
        runs[turn.queue] = entry
        if let holder = reply.holder {
            if case .server = turn.queue { reply.nextDueAt = holder.heardAt + AgentBounds.silence }
        } else if case .server(let name) = turn.queue {
            reply.pools = poolsOf[name, default: []].sorted { $0.name < $1.name }
            reply.labels = labelsOf[name]
        }
        return reply
    }

    mutating func cancel(_ id: String, on queue: RunQueue, now: Timestamp) -> RunCancellation {
        guard let run = runs[queue]?.jobs[id] else { return .unknown }
        if run.isOver { return .over(run.record.state) }
        if run.record.state == .active, let server = run.record.server, run.record.dueAt.map({ $0 > now }) ?? false {
            runs[queue]?.jobs[id]?.record.isCancelling = true
            wakes.insert(server)
            return .asked(server: server)
        }
        runs[queue]?.jobs[id]?.end(.cancelled, now: now)
        return .cancelled
    }

    mutating func retry(_ id: String, on queue: RunQueue, now: Timestamp) -> Bool {
        guard let run = runs[queue]?.jobs[id], [.dead, .cancelled].contains(run.record.state) else { return false }
        let record = RunRecord(queue: queue, job: run.record.job, state: .ready, attempt: 0, enqueuedAt: now)
        runs[queue]?.jobs[id] = QueuedRun(record: record, readyAt: now)
        wakeExecutors(of: queue, jobs: 1)
        return true
    }

    mutating func purge(_ ids: [String]?, on queue: RunQueue) -> Int {
        let ended = (runs[queue]?.jobs ?? [:]).filter { $0.value.isOver && (ids?.contains($0.key) ?? true) }
        for id in ended.keys { runs[queue]?.jobs[id] = nil }
        if case .pool = queue, let entry = runs[queue], entry.jobs.isEmpty, entry.members.isEmpty { runs[queue] = nil }
        return ended.count
    }

    mutating func appendOutput(_ chunks: [String], of id: String, on queue: RunQueue, token: String) {
        guard let run = runs[queue]?.jobs[id], run.record.state == .active, run.token == token else { return }
        var number = run.output.last?.number ?? 0
        for chunk in chunks {
            number += 1
            runs[queue]?.jobs[id]?.output.append((number, chunk))
        }
        let excess = run.output.count + chunks.count - RunBounds.outputChunks
        if excess > 0 { runs[queue]?.jobs[id]?.output.removeFirst(excess) }
    }
}

extension RunQueueEntry {
    /// Takes back and promotes what is due, and claims.
    fileprivate mutating func take(_ turn: RunTurn, _ reply: inout RunTurnReply, now: Timestamp) {
        reply.claims = takeAgain(turn, now: now)
        giveBackExpired(turn, now: now)
        promote(room: turn.limit - reply.claims.count, now: now)
        idle.removeAll { $0 == turn.server }
        var room = turn.limit - reply.claims.count
        // Where others are free too, each takes its share.
        let ready = jobs.values.count { $0.record.state == .ready }
        if case .pool = turn.queue { room = min(room, (ready + idle.count) / (idle.count + 1)) }
        reply.claims += claim(turn, room: room, now: now)
        if case .pool = turn.queue, reply.claims.count < turn.limit { idle.append(turn.server) }
        // Who has no room for a retry comes back when it has, and not before for that.
        let hasRoom = reply.claims.count < turn.limit
        reply.nextDueAt = jobs.values.filter { hasRoom || !$0.isRetry }.compactMap(\.record.dueAt).min()
    }

    /// Whether it was taken, now or before.
    fileprivate mutating func complete(_ completion: RunCompletion, now: Timestamp) -> Bool {
        guard var run = jobs[completion.id] else { return false }
        guard run.token == completion.token else { return false }
        if run.record.state != .active {
            if run.isInDoubt { run.end(completion.result.truth, completion, now: now) }
            jobs[completion.id] = run
            return true
        }
        switch completion.result {
        case .done: run.end(.done, completion, now: now)
        case .cancelled: run.end(.cancelled, completion, now: now)
        case .dead: run.end(.dead, completion, now: now)
        case .failed where run.record.isCancelling: run.end(.cancelled, completion, now: now)
        case .failed where run.record.attempt >= run.record.job.maximumAttempts: run.end(.dead, completion, now: now)
        case .failed(let error, let wait):
            run.isRetry = true
            run.record.state = .delayed
            run.record.dueAt = now + wait
            run.record.error = StoreBounds.bounded(error: error)
            run.record.server = nil
            run.record.claimedAt = nil
        }
        jobs[completion.id] = run
        return true
    }

    fileprivate mutating func extend(_ attempt: RunAttempt, until end: Timestamp) -> Bool {
        guard let run = jobs[attempt.id], run.record.state == .active, run.token == attempt.token else { return false }
        jobs[attempt.id]?.record.dueAt = end
        return true
    }

    /// After a restart, or where an answer was lost: what this server had, it has again.
    private mutating func takeAgain(_ turn: RunTurn, now: Timestamp) -> [RunClaim] {
        guard turn.isBoot || turn.isRepeat else { return [] }
        // What is in doubt because of it, too: its journal knows how that ended, or how far it came.
        let held = jobs.values.filter { run in
            (run.record.state == .active || run.isInDoubt && turn.isBoot) && run.record.server == turn.server
                && (turn.isBoot ? !turn.isOthers(run.token) : run.token == turn.token)
        }
        return held.sorted { $0.record.job.id < $1.record.job.id }.map { run in
            begin(run, turn, attempt: run.record.attempt, now: now)
        }
    }

    private mutating func begin(_ run: QueuedRun, _ turn: RunTurn, attempt: Int, now: Timestamp) -> RunClaim {
        var run = run
        run.token = turn.token
        run.isRetry = false
        run.isInDoubt = false
        run.record.finishedAt = nil
        run.record.exitCode = nil
        run.record.state = .active
        run.record.attempt = attempt
        run.record.claimedAt = now
        run.record.dueAt = now + turn.lease
        run.record.server = turn.server
        run.record.error = nil
        jobs[run.record.job.id] = run
        return RunClaim(
            queue: turn.queue, job: run.record.job, enqueuedAt: run.record.enqueuedAt, attempt: attempt,
            token: turn.token)
    }

    private mutating func giveBackExpired(_ turn: RunTurn, now: Timestamp) {
        for (id, run) in jobs where run.record.state == .active && run.record.dueAt.map({ $0 <= now }) ?? true {
            var run = run
            if run.record.isCancelling {
                run.end(.cancelled, now: now)
            } else if run.record.queue.isPool || turn.isOthers(run.token), !run.record.job.isSafeToRepeat {
                let error = RunQueueEntry.doubt(run.record)
                run.end(.dead, now: now, error: error)
                run.isInDoubt = true
            } else if run.record.attempt >= run.record.job.maximumAttempts + RunBounds.mostLost {
                run.end(.dead, now: now, error: "its lease ended \(run.record.attempt) times")
            } else {
                run.makeReady(at: now)
                run.token = nil
                run.record.error = "its lease ended"
            }
            jobs[id] = run
        }
    }

    private static func doubt(_ run: RunRecord) -> String {
        let server = run.server ?? "somebody"
        let who = run.queue.isPool ? server : "another agent of \(server)"
        return "in doubt: \(who) had begun it and was not heard of for longer than its lease"
    }

    /// All that is delayed and due is ready; of the retries what the others leave room for, and an eighth in any case.
    private mutating func promote(room: Int, now: Timestamp) {
        for (id, run) in jobs where run.isDue(at: now) && !run.isRetry {
            jobs[id]?.makeReady(at: run.record.dueAt ?? now)
        }
        guard room > 0 else { return }
        let ready = jobs.values.count { $0.record.state == .ready }
        let retries = jobs.values.filter { $0.isDue(at: now) && $0.isRetry }
            .sorted { ($0.record.dueAt ?? now, $0.record.job.id) < ($1.record.dueAt ?? now, $1.record.job.id) }
        for run in retries.prefix(max((room + 7) / 8, room - ready)) {
            jobs[run.record.job.id]?.makeReady(at: now)
        }
    }

    private mutating func claim(_ turn: RunTurn, room: Int, now: Timestamp) -> [RunClaim] {
        guard room > 0 else { return [] }
        let ready = jobs.values.filter { $0.record.state == .ready }.sorted { left, right in
            (-left.record.job.priority, left.readyAt, left.record.job.id)
                < (-right.record.job.priority, right.readyAt, right.record.job.id)
        }
        return ready.prefix(room).map { begin($0, turn, attempt: $0.record.attempt + 1, now: now) }
    }

    fileprivate mutating func trim(on queue: RunQueue, now: Timestamp) {
        var kept = RunBounds.endedOfServer
        if case .pool = queue { kept = RunBounds.endedOfPool }
        let ended = jobs.values.filter(\.isOver)
            .sorted { ($0.finishedAt, $0.record.job.id) < ($1.finishedAt, $1.record.job.id) }
        let old = ended.count { $0.finishedAt <= now + (.zero - RunBounds.endedFor) }
        let rested = ended.count { $0.finishedAt <= now + (.zero - RunBounds.endedAtLeast) }
        let excess = min(
            max(min(ended.count - kept, rested), ended.count - RunBounds.endedMost, old), RunBounds.largestBatch)
        for run in ended.prefix(max(0, excess)) { jobs[run.record.job.id] = nil }
    }
}

extension RunQueue {
    fileprivate var isPool: Bool { if case .pool = self { true } else { false } }
}

extension QueuedRun {
    fileprivate var finishedAt: Timestamp { record.finishedAt ?? Timestamp(milliseconds: 0) }

    fileprivate func isDue(at now: Timestamp) -> Bool {
        record.state == .delayed && record.dueAt.map { $0 <= now } ?? true
    }

    fileprivate mutating func makeReady(at time: Timestamp) {
        readyAt = time
        isRetry = false
        record.state = .ready
        record.dueAt = nil
        record.server = nil
        record.claimedAt = nil
    }

    fileprivate mutating func end(
        _ state: JobState, _ completion: RunCompletion? = nil, now: Timestamp, error: String? = nil
    ) {
        isInDoubt = false
        record.state = state
        record.dueAt = nil
        record.finishedAt = now
        record.isCancelling = false
        record.exitCode = completion?.exitCode
        record.error = error ?? completion?.result.error.map { StoreBounds.bounded(error: $0) }
    }
}

extension RunResult {
    /// Why it was no success, in words.
    package var error: String? {
        switch self {
        case .done, .cancelled: nil
        case .failed(let error, _), .dead(let error): error
        }
    }

    /// The state that a late word about an attempt in doubt leads to.
    fileprivate var truth: JobState {
        switch self {
        case .done: .done
        case .cancelled: .cancelled
        case .failed, .dead: .dead
        }
    }
}
