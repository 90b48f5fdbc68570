// Fires Schedules, on the leader only. What is due is decided purely (`ScheduleDecider`, `ConditionDecider`); here it is
// enqueued, and only then written down that it was. Where runs must not overlap, it is written before which one is meant.
//
// Guarantees: each (schedule, time) is one job on each of its queues. The id is made of both, so a leader that enqueues
// again what the one before enqueued and did not write down adds nothing; and one that leads no longer enqueues nothing,
// because every queue is behind the fence.
// Assumption: a queue remembers an id for longer than a change of leaders takes.

internal import Logging
internal import Calendar
internal import Model
internal import Reconcilers
internal import Store
internal import Synchronization

package struct ScheduleService: Sendable {
    let store: any ControllerStore
    let loop: ReconcileLoop
    let leadership: Leadership
    let clock: StoreClock
    let configuration: ControllerConfiguration
    let time: any MonotonicTime
    let logger: Logger
    /// Raised when a Schedule may have changed.
    let changed: Signal
    let zones = ZoneDatabase()

    /// What is kept of a term: of another leader's, nothing is.
    private struct Book {
        var lease: Lease
        var entries: [String: ScheduleEntry] = [:]
        /// By our own clock; nil before all were read for the first time.
        var readAgainAt: Duration?
        /// Told once: Schedules that cannot be followed, by name.
        var problems: [String: String] = [:]
    }

    private final class Wake: Sendable {
        let signal = Signal()
        let isStale = Mutex(true)
    }

    /// Runs until cancelled.
    package func run() async {
        let wake = Wake()
        await withDiscardingTaskGroup { group in
            group.addTask {
                while !Task.isCancelled {
                    await changed.wait()
                    wake.isStale.withLock { $0 = true }
                    wake.signal.raise()
                }
            }
            await work(wake)
            group.cancelAll()
        }
    }

    private func work(_ wake: Wake) async {
        var book: Book?
        while !Task.isCancelled {
            var next = time.now() + configuration.scheduleLook
            if let lease = leadership.lease(at: time.now()), let now = clock.now() {
                if book?.lease != lease { book = nil }
                var open = book ?? Book(lease: lease)
                do throws(StoreError) {
                    let isStale = wake.isStale.withLock { isStale in
                        defer { isStale = false }
                        return isStale
                    }
                    if isStale || open.readAgainAt.map({ $0 <= time.now() }) ?? true {
                        try await read(&open, now: now)
                        open.readAgainAt = time.now() + configuration.scheduleReading
                    }
                    await decide(&open, now: now)
                    let due = open.entries.values.compactMap(\.dueAt).min().map { clock.local($0) }
                    next = min(due ?? next, next)
                    book = open
                } catch {
                    wake.isStale.withLock { $0 = true }
                    note(error, "schedules not read", lease)
                    next = time.now() + configuration.feedRetry
                }
            } else {
                book = nil
            }
            await wake.signal.wait(until: next, time: time)
        }
    }

    private func note(_ error: StoreError, _ what: String, _ lease: Lease) {
        if case .fenced = error { leadership.refused(lease) }
        logger.debug("\(what)", metadata: ["error": "\(error)"])
    }

    // MARK: what is there

    private func read(_ book: inout Book, now: Timestamp) async throws(StoreError) {
        let stored = try await store.resources(.schedule)
        let names = Set(stored.map(\.key.name))
        book.entries = book.entries.filter { names.contains($0.key) }
        var changed: [ScheduleEntry] = []
        for resource in stored {
            let name = resource.key.name
            if let known = book.entries[name], known.generation == resource.generation, known.digest == resource.digest
            {
                continue
            }
            do throws(ScheduleProblem) {
                changed.append(try ScheduleEntry(resource, zones: zones, now: now))
                book.problems[name] = nil
            } catch {
                book.entries[name] = nil
                if book.problems.updateValue(error.why, forKey: name) != error.why {
                    await tell(name, "ScheduleUnreadable", "it cannot be followed: \(error.why)", now, book.lease)
                }
            }
        }
        let (known, lease) = (book.entries, book.lease)
        let states = try await store.onEach(changed) { entry throws(StoreError) in
            if let known = known[entry.name] { return known.state }
            return try await state(of: entry, lease, now: now)
        }
        for (entry, state) in zip(changed, states) {
            book.entries[entry.name] = entry
            book.entries[entry.name]?.state = state
        }
    }

    /// What is stored and cannot be read is begun anew, so that a damaged hash ends no Schedule for ever: ids keep what fired
    /// already from firing again.
    private func state(
        of entry: ScheduleEntry, _ lease: Lease, now: Timestamp
    ) async throws(StoreError) -> ScheduleState? {
        do throws(StoreError) { return try await store.scheduleState(entry.name) } catch {
            guard case .corrupt = error else { throw error }
            let state = ScheduleState(generation: entry.generation, decidedUntil: now)
            try await store.writeScheduleState(state, of: entry.name, lease: lease)
            await tell(
                entry.name, "ScheduleBegunAnew", "how far it had come was lost, it begins anew: \(error)", now, lease)
            return state
        }
    }

    // MARK: what is due

    private func decide(_ book: inout Book, now: Timestamp) async {
        let due = book.entries.values.filter { $0.dueAt.map { $0 <= now } ?? false }.sorted { $0.name < $1.name }
        guard !due.isEmpty else { return }
        let requests = due.map(\.spec.request)
        let planner = RequestPlanner(await loop.withFleet { $0.runFleet(for: requests) })
        let round = Round(lease: book.lease, now: now, planner: planner)
        await withTaskGroup(of: ScheduleEntry.self) { group in
            for (index, entry) in due.enumerated() {
                if index >= configuration.schedulesAtOnce, let done = await group.next() {
                    book.entries[done.name] = done
                }
                group.addTask { await self.settled(entry, round) }
            }
            for await done in group { book.entries[done.name] = done }
        }
    }

    /// What all that is due at the same time is decided with.
    private struct Round {
        let lease: Lease
        let now: Timestamp
        let planner: RequestPlanner
    }

    /// The entry after its decision; after a failure it is decided anew soon, from what it was.
    private func settled(_ entry: ScheduleEntry, _ round: Round) async -> ScheduleEntry {
        var entry = entry
        do throws(StoreError) {
            switch entry.clockwork {
            case .time(let decider): try await decide(&entry, decider, round)
            case .condition(let decider, let trigger): try await decide(&entry, decider, trigger, round)
            case .none: entry.dueAt = nil
            }
            entry.hindrance = nil
        } catch {
            note(error, "schedule not fired", round.lease)
            entry.dueAt = round.now + configuration.feedRetry
            if error.isLasting, entry.hindrance != error.description {
                entry.hindrance = error.description
                await tell(entry.name, "ScheduleHindered", "it waits: \(error)", round.now, round.lease)
            }
        }
        return entry
    }

    private func decide(
        _ entry: inout ScheduleEntry, _ decider: ScheduleDecider, _ round: Round
    ) async throws(StoreError) {
        let isOpen = try await isOpen(entry)
        let decision = decider.decide(entry.state, now: round.now, isPreviousOpen: isOpen)
        var state = decision.state
        if decision.cancelPrevious, let run = state.lastRun { try await cancel(run, round.lease) }
        for fire in decision.fires {
            guard let plan = plan(fire, entry.spec.request, entry, &state, round) else { continue }
            if entry.spec.overlap != .allow, let run = state.lastRun {
                var intent = decision.intent(run)
                // What was said last stays until this time is decided: the same is not told again.
                intent.leftOut = entry.state?.leftOut
                try await store.writeScheduleState(intent, of: entry.name, lease: round.lease)
                entry.state = intent
            }
            try await enqueue(plan, fire, entry, &state, round)
        }
        // Times at which nothing is due need not be written down: they are not due for the next leader either.
        let isNews = !decision.fires.isEmpty || entry.spec.suspend != nil
        try await keep(state, of: &entry, isNews: isNews, round)
        entry.dueAt = decision.nextAt
    }

    private func decide(
        _ entry: inout ScheduleEntry, _ decider: ConditionDecider, _ trigger: ConditionTrigger, _ round: Round
    ) async throws(StoreError) {
        let request = entry.spec.request
        entry.dueAt = round.now + configuration.conditionLook
        let servers: [String]
        do throws(RequestProblem) { servers = try round.planner.servers(of: request) } catch {
            var state = entry.state ?? ScheduleState(generation: entry.generation, decidedUntil: round.now)
            state.leftOut = "\(Self.blind)\(error)"
            return try await keep(state, of: &entry, isNews: false, round)
        }
        let values = try await store.measurements(trigger.metric, of: servers)
        let measured = zip(servers, values).map { Measurement(server: $0, value: $1) }
        let decision = decider.decide(entry.state, now: round.now, measurements: measured)
        var state = decision.state
        if !decision.fires.isEmpty || state.leftOut?.hasPrefix(Self.blind) ?? false { state.leftOut = nil }
        for due in decision.fires {
            var own = request
            var fire = due.fire
            if case .any = request.targets {
                // Of two servers at the same second, each has a job.
                fire.id += ".\(due.server)"
            } else {
                own.targets = .servers([due.server])
            }
            guard let plan = plan(fire, own, entry, &state, round) else { continue }
            try await enqueue(plan, fire, entry, &state, round)
        }
        let isNews = !decision.fires.isEmpty || state.edges != entry.state?.edges
        try await keep(state, of: &entry, isNews: isNews, round)
        if let next = decision.nextAt, let look = entry.dueAt { entry.dueAt = min(next, look) }
    }

    /// Of a condition whose servers cannot be told.
    private static let blind = "nothing is watched: "

    /// Written down where it says anything new. That something was left out is told once, and not each time.
    private func keep(
        _ state: ScheduleState, of entry: inout ScheduleEntry, isNews: Bool, _ round: Round
    ) async throws(StoreError) {
        let known = entry.state
        if isNews || state.generation != known?.generation || state.leftOut != known?.leftOut {
            try await store.writeScheduleState(state, of: entry.name, lease: round.lease)
        }
        entry.state = state
        if let why = state.leftOut, Self.cause(why) != known?.leftOut.map(Self.cause) {
            await tell(entry.name, "ScheduleLeftOut", why, round.now, round.lease)
        }
    }

    /// Without the time, which is its first word.
    private static func cause(_ leftOut: String) -> Substring { leftOut.drop { $0 != " " } }

    // MARK: runs

    /// The jobs of a fire, which is the last run from now on. Where there is nothing to run on, that is told: the time is over
    /// all the same.
    private func plan(
        _ fire: ScheduleFire, _ request: RunRequest, _ entry: ScheduleEntry, _ state: inout ScheduleState,
        _ round: Round
    ) -> RunPlan? {
        let identity = RequestPlanner.Identity(
            id: fire.id, origin: "Schedule/\(entry.name)", time: fire.time, isScheduled: true)
        let plan: RunPlan
        do throws(RequestProblem) { plan = try round.planner.plan(request, identity) } catch {
            state.leftOut = "\(fire.id) was left out: \(error)"
            return nil
        }
        var run = ScheduleState.LastRun(
            id: fire.id, time: fire.time, queues: plan.queueNames, jobs: plan.jobs.map(\.jobs.count).max() ?? 1)
        // It was enqueued in part: a condition that began on several servers in one second is one run on them, and one that a
        // leader who died intended can be on servers that are not chosen any more.
        if let last = state.lastRun, last.id == run.id {
            run.queues = Set(last.queues + run.queues).sorted()
            run.jobs = max(last.jobs, run.jobs)
        }
        run.queues = Array(run.queues.prefix(configuration.scheduleQueuesKept))
        state.lastRun = run
        return plan
    }

    /// Where there is nowhere to put it, that is told: the time is over all the same.
    private func enqueue(
        _ plan: RunPlan, _ fire: ScheduleFire, _ entry: ScheduleEntry, _ state: inout ScheduleState, _ round: Round
    ) async throws(StoreError) {
        do throws(StoreError) {
            _ = try await store.submit(plan.jobs, members: plan.members, lease: round.lease)
            logger.info("a schedule fired", metadata: ["schedule": "\(entry.name)", "run": "\(fire.id)"])
        } catch {
            guard error.isLasting else { throw error }
            state.leftOut = "\(fire.id) was left out: \(error)"
        }
    }

    private func isOpen(_ entry: ScheduleEntry) async throws(StoreError) -> Bool {
        guard let run = entry.state?.lastRun, entry.spec.overlap != .allow else { return false }
        let open = try await store.onEach(run.queues) { queue throws(StoreError) in
            try await store.runs(run.ids, on: queue).contains { $0?.state.isOpen ?? false }
        }
        return open.contains(true)
    }

    private func cancel(_ run: ScheduleState.LastRun, _ lease: Lease) async throws(StoreError) {
        for queue in run.queues {
            for id in run.ids { _ = try await store.cancel(id, on: queue, lease: lease) }
        }
    }

    private func tell(_ name: String, _ reason: String, _ message: String, _ now: Timestamp, _ lease: Lease) async {
        logger.warning("\(message)", metadata: ["schedule": "\(name)", "reason": "\(reason)"])
        let event = Event(at: now, severity: .warning, subject: "Schedule/\(name)", reason: reason, message: message)
        try? await store.record(event, lease: lease)
    }
}
