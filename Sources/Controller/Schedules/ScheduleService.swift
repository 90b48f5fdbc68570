// Fires Schedules, on the leader only. What is due is decided purely (`ScheduleDecider`, `ConditionDecider`); here it is
// enqueued, and only then written down that it was. Where runs must not overlap, it is written before which one is meant.
//
// Guarantees: each (schedule, time) is one job on each of its queues. The id is made of both, so a leader that enqueues
// again what the one before enqueued and did not write down adds nothing; and one that leads no longer enqueues nothing,
// because every queue is behind the fence.
// `+Times` has the many that are due together, `+Conditions` what is measured.
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

    /// What all that is due at the same time is decided with.
    struct Round: Sendable {
        let lease: Lease
        let now: Timestamp
        let planner: RequestPlanner
    }

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

    func note(_ error: StoreError, _ what: String, _ lease: Lease) {
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
            try await store.writeScheduleStates([entry.name: state], lease: lease)
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
        let planner = RequestPlanner(await loop.withFleet { $0.runFleet(for: requests) }, for: requests)
        let round = Round(lease: book.lease, now: now, planner: planner)
        let timed = due.filter(\.hasTimes)
        for start in stride(from: 0, to: timed.count, by: configuration.schedulesTogether) {
            let part = timed[start..<min(start + configuration.schedulesTogether, timed.count)]
            for entry in await settled(Array(part), round) { book.entries[entry.name] = entry }
        }
        for entry in await each(due.filter { !$0.hasTimes }, { await self.settled($0, round) }) {
            book.entries[entry.name] = entry
        }
    }

    /// Does the same with each, a bounded number at a time.
    func each(
        _ entries: [ScheduleEntry], _ body: @escaping @Sendable (ScheduleEntry) async -> ScheduleEntry
    ) async -> [ScheduleEntry] {
        await withTaskGroup(of: ScheduleEntry.self) { group in
            var ended: [ScheduleEntry] = []
            for (index, entry) in entries.enumerated() {
                if index >= configuration.schedulesAtOnce, let entry = await group.next() { ended.append(entry) }
                group.addTask { await body(entry) }
            }
            for await entry in group { ended.append(entry) }
            return ended
        }
    }

    /// One that could not be decided, to be decided anew soon, from what it was.
    func fail(_ entry: inout ScheduleEntry, _ error: StoreError, _ round: Round) async {
        entry.dueAt = round.now + configuration.feedRetry
        guard error.isLasting, entry.hindrance != error.description else { return }
        entry.hindrance = error.description
        await tell(entry.name, "ScheduleHindered", "it waits: \(error)", round.now, round.lease)
    }

    // MARK: runs

    /// The jobs of a fire, which is the last run from now on. Where there is nothing to run on, that is told: the time is over
    /// all the same.
    func plan(
        _ fire: ScheduleFire, _ request: RunRequest, _ name: String, _ state: inout ScheduleState, _ round: Round
    ) -> RunPlan? {
        let identity = RequestPlanner.Identity(
            id: fire.id, origin: "Schedule/\(name)", time: fire.time, isScheduled: true)
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

    // MARK: what is written and told

    func write(_ states: [String: ScheduleState], _ round: Round) async throws(StoreError) {
        if !states.isEmpty { try await store.writeScheduleStates(states, lease: round.lease) }
    }

    /// The entry with the state that is written. What is new for people is told once, and not each time.
    func keep(_ state: ScheduleState, in entry: inout ScheduleEntry, _ round: Round) async {
        let known = entry.state
        entry.state = state
        entry.hindrance = nil
        if let why = state.leftOut, Self.cause(why) != known?.leftOut.map(Self.cause) {
            await tell(entry.name, "ScheduleLeftOut", why, round.now, round.lease)
        }
        if let why = state.unwatched, why != known?.unwatched {
            await tell(entry.name, "ScheduleUnwatched", "nothing is watched: \(why)", round.now, round.lease)
        }
    }

    /// Without the time, which is its first word.
    private static func cause(_ leftOut: String) -> Substring { leftOut.drop { $0 != " " } }

    private func tell(_ name: String, _ reason: String, _ message: String, _ now: Timestamp, _ lease: Lease) async {
        logger.warning("\(message)", metadata: ["schedule": "\(name)", "reason": "\(reason)"])
        let event = Event(at: now, severity: .warning, subject: "Schedule/\(name)", reason: reason, message: message)
        try? await store.record(event, lease: lease)
    }
}

extension ScheduleState {
    /// Whether it says anything that `known` does not, beside up to when all is decided: times at which nothing was due need
    /// not be written down, because they are not due for the next leader either.
    func isNews(to known: ScheduleState?) -> Bool {
        var other = self
        other.decidedUntil = known?.decidedUntil ?? decidedUntil
        return other != known
    }
}
