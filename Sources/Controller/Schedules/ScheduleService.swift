// Fires Schedules, on the leader only. What is due is decided purely (`ScheduleDecider`, `ConditionDecider`); here it is
// enqueued, and only then written down that it was.
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
                    if book == nil || wake.isStale.withLock({ $0 }) {
                        wake.isStale.withLock { $0 = false }
                        try await read(&open, now: now)
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
        for resource in stored {
            let name = resource.key.name
            if let known = book.entries[name], known.generation == resource.generation, known.digest == resource.digest
            {
                continue
            }
            do throws(ScheduleProblem) {
                var entry = try ScheduleEntry(resource, zones: zones, now: now)
                entry.state = try await state(of: name, book)
                book.entries[name] = entry
                book.problems[name] = nil
            } catch {
                book.entries[name] = nil
                if book.problems.updateValue(error.why, forKey: name) != error.why {
                    await tell(name, "ScheduleUnreadable", "it cannot be followed: \(error.why)", now, book.lease)
                }
            }
        }
    }

    /// As the term knows it, or as it is stored.
    private func state(of name: String, _ book: Book) async throws(ScheduleProblem) -> ScheduleState? {
        if let known = book.entries[name] { return known.state }
        do throws(StoreError) { return try await store.scheduleState(name) } catch {
            throw ScheduleProblem(why: "how far it had come cannot be read: \(error)")
        }
    }

    // MARK: what is due

    private func decide(_ book: inout Book, now: Timestamp) async {
        let due = book.entries.values.filter { $0.dueAt.map { $0 <= now } ?? false }.sorted { $0.name < $1.name }
        guard !due.isEmpty else { return }
        let lease = book.lease
        await withTaskGroup(of: ScheduleEntry.self) { group in
            for (index, entry) in due.enumerated() {
                if index >= configuration.schedulesAtOnce, let done = await group.next() {
                    book.entries[done.name] = done
                }
                group.addTask { await self.settled(entry, lease, now: now) }
            }
            for await done in group { book.entries[done.name] = done }
        }
    }

    /// The entry after its decision; after a failure it is decided anew soon, from what it was.
    private func settled(_ entry: ScheduleEntry, _ lease: Lease, now: Timestamp) async -> ScheduleEntry {
        var entry = entry
        do throws(StoreError) {
            switch entry.clockwork {
            case .time(let decider): try await decide(&entry, decider, lease, now: now)
            case .condition(let decider, let trigger): try await decide(&entry, decider, trigger, lease, now: now)
            case .none: entry.dueAt = nil
            }
        } catch {
            note(error, "schedule not fired", lease)
            entry.dueAt = now + configuration.feedRetry
        }
        return entry
    }

    private func decide(
        _ entry: inout ScheduleEntry, _ decider: ScheduleDecider, _ lease: Lease, now: Timestamp
    ) async throws(StoreError) {
        let isOpen = try await isOpen(entry)
        let decision = decider.decide(entry.state, now: now, isPreviousOpen: isOpen)
        var state = decision.state
        if decision.cancelPrevious, let run = state.lastRun { try await cancel(run, of: entry, lease) }
        for fire in decision.fires {
            if let run = try await enqueue(fire, entry.spec.request, entry, &state, lease, now: now) {
                state.lastRun = run
            }
        }
        // Times at which nothing is due need not be written down: they are not due for the next leader either.
        let isNews =
            entry.state == nil || !decision.fires.isEmpty || state.leftOut != entry.state?.leftOut
            || state.generation != entry.state?.generation || entry.spec.suspend != nil
        if isNews { try await store.writeScheduleState(state, of: entry.name, lease: lease) }
        if let why = state.leftOut, why != entry.state?.leftOut {
            await tell(entry.name, "ScheduleLeftOut", why, now, lease)
        }
        entry.state = state
        entry.dueAt = decision.nextAt
    }

    private func decide(
        _ entry: inout ScheduleEntry, _ decider: ConditionDecider, _ trigger: ConditionTrigger, _ lease: Lease,
        now: Timestamp
    ) async throws(StoreError) {
        let request = entry.spec.request
        let fleet = await loop.withFleet { $0.runFleet(for: request) }
        let servers = RequestPlanner(fleet).watchedServers(request)
        let values = try await store.measurements(trigger.metric, of: servers)
        let measured = zip(servers, values).map { Measurement(server: $0, value: $1) }
        let decision = decider.decide(entry.state, now: now, measurements: measured)
        var state = decision.state
        for due in decision.fires {
            var own = request
            var fire = due.fire
            if case .any = request.targets {
                // Of two servers at the same second, each has a job.
                fire.id += ".\(due.server)"
            } else {
                own.targets = .servers([due.server])
            }
            if let run = try await enqueue(fire, own, entry, &state, lease, now: now) { state.lastRun = run }
        }
        if entry.state == nil || state.edges != entry.state?.edges || !decision.fires.isEmpty
            || state.generation != entry.state?.generation
        {
            try await store.writeScheduleState(state, of: entry.name, lease: lease)
        }
        entry.state = state
        entry.dueAt = min(decision.nextAt ?? now + configuration.conditionLook, now + configuration.conditionLook)
    }

    // MARK: runs

    /// nil where there is nothing to run on, which is told: the time is over all the same.
    private func enqueue(
        _ fire: ScheduleFire, _ request: RunRequest, _ entry: ScheduleEntry, _ state: inout ScheduleState,
        _ lease: Lease,
        now: Timestamp
    ) async throws(StoreError) -> ScheduleState.LastRun? {
        let fleet = await loop.withFleet { $0.runFleet(for: request) }
        let identity = RequestPlanner.Identity(
            id: fire.id, origin: "Schedule/\(entry.name)", time: fire.time, isScheduled: true)
        let plan: RunPlan
        do throws(RequestProblem) { plan = try RequestPlanner(fleet).plan(request, identity) } catch {
            state.leftOut = "\(fire.id) was left out: \(error)"
            return nil
        }
        _ = try await store.submit(plan.jobs, members: plan.members, lease: lease)
        logger.info("a schedule fired", metadata: ["schedule": "\(entry.name)", "run": "\(fire.id)"])
        return ScheduleState.LastRun(
            id: fire.id, time: fire.time, queues: Array(plan.queueNames.prefix(configuration.scheduleQueuesKept)))
    }

    private func isOpen(_ entry: ScheduleEntry) async throws(StoreError) -> Bool {
        guard let run = entry.state?.lastRun, entry.spec.overlap != .allow else { return false }
        let open = try await store.onEach(run.queues) { queue throws(StoreError) in
            try await store.runs(entry.ids(of: run, on: queue), on: queue).contains { $0?.state.isOpen ?? false }
        }
        return open.contains(true)
    }

    private func cancel(
        _ run: ScheduleState.LastRun, of entry: ScheduleEntry, _ lease: Lease
    ) async throws(StoreError) {
        for queue in run.queues {
            for id in entry.ids(of: run, on: queue) { _ = try await store.cancel(id, on: queue, lease: lease) }
        }
    }

    private func tell(_ name: String, _ reason: String, _ message: String, _ now: Timestamp, _ lease: Lease) async {
        logger.warning("\(message)", metadata: ["schedule": "\(name)", "reason": "\(reason)"])
        let event = Event(at: now, severity: .warning, subject: "Schedule/\(name)", reason: reason, message: message)
        try? await store.record(event, lease: lease)
    }
}
