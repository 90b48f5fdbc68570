// What is run when, of a Schedule with times. Pure: the leader asks, writes the intent, enqueues what is said, and then writes
// the state; wherever it dies, its successor decides the same times again, and their ids are known to the queue.

public import Calendar
public import Model

public struct ScheduleDecision: Sendable, Hashable {
    /// In the order of their times.
    public var fires: [ScheduleFire]
    /// The run that is still open is to be cancelled first.
    public var cancelPrevious: Bool
    /// To be written after the fires are enqueued. `lastRun` is as it was: where a run went, its enqueuer knows.
    public var state: ScheduleState
    /// When there is something to decide again; nil: never, unless the Schedule changes.
    public var nextAt: Timestamp?

    /// To be written before that run is enqueued where runs must not overlap (and after the one before is cancelled): its time
    /// is not decided yet, but whoever comes next asks whether it is open.
    public func intent(_ run: ScheduleState.LastRun) -> ScheduleState {
        var intent = state
        intent.decidedUntil = min(intent.decidedUntil, run.time + .milliseconds(-1))
        intent.lastRun = run
        return intent
    }
}

/// Guarantees:
/// - A time is decided when its moment has come (its time, and its part of the jitter), in order, and only once: `decidedUntil`
///   never goes back, whatever the clock does.
/// - The newest time that is due fires if it is on time, within `ScheduleBounds.grace`, whatever `missed` says. Any other was
///   missed: `skip` leaves it out; `once` makes up for the newest, within the start deadline; `all` for each within it, at
///   most `ScheduleBounds.mostAtOnce`.
/// - With `forbid` and `replace` at most one run of several comes, the newest; with `forbid` none while a run is open. A run
///   that was intended, and perhaps enqueued, by a leader who died comes again under its id, and is not its own predecessor.
/// - Of times before a Schedule was applied, or last changed, or while it was suspended, nothing is made up for. Those between
///   that and the first look of a leader are due as any others.
///
/// Caveat: after a clock that was far ahead, times come again only when it has got there.
public struct ScheduleDecider: Sendable {
    private let name: String
    private let generation: Int
    private let appliedAt: Timestamp
    private let trigger: TimeTrigger
    private let overlap: ScheduleSpec.Overlap
    private let suspend: Suspension?
    private let times: ScheduleTimes
    private let startDeadline: Duration

    /// `appliedAt`: when this generation was made. `cron` and `zone` are what the trigger names.
    public init(
        name: String, generation: Int, appliedAt: Timestamp, spec: ScheduleSpec, trigger: TimeTrigger,
        cron: CronExpression, zone: ZoneRules
    ) {
        self.name = name
        self.generation = generation
        self.appliedAt = appliedAt
        self.trigger = trigger
        overlap = spec.overlap
        suspend = spec.suspend
        times = ScheduleTimes(
            cron: cron, zone: zone, jitter: ScheduleJitter(schedule: name, longest: trigger.jitter))
        startDeadline = min(trigger.startDeadline, ScheduleBounds.longestStartDeadline)
    }

    /// `state` is what the store has: nil where the Schedule is seen for the first time. `isPreviousOpen`: its last run is
    /// not over.
    public func decide(_ state: ScheduleState?, now: Timestamp, isPreviousOpen: Bool) -> ScheduleDecision {
        let state = begun(state, at: now)
        if let suspend, suspend.isInForce(at: now) { return suspended(state, suspend, at: now) }
        let first = times.next(after: state.decidedUntil)
        guard let first, first.moment <= now else { return settled(state, until: now, next: first) }
        return decide(state, due: now, isPreviousOpen: isPreviousOpen)
    }

    /// When a time of the expression is due: later by its part of the jitter.
    public func moment(of time: Timestamp) -> Timestamp {
        times.next(after: time + .milliseconds(-1)).map { $0.time == time ? $0.moment : time } ?? time
    }

    // MARK: what passes without a decision

    /// The state from which this generation counts: nothing from before it was made, or from when it was suspended, is due.
    private func begun(_ known: ScheduleState?, at now: Timestamp) -> ScheduleState {
        let start = min(appliedAt, now)
        var state = known ?? ScheduleState(generation: generation, decidedUntil: start)
        if state.generation != generation {
            state.generation = generation
            (state.leftOut, state.unwatched) = (nil, nil)
            state.decidedUntil = max(state.decidedUntil, start)
        }
        if let end = suspend?.until, end <= now { state.decidedUntil = max(state.decidedUntil, end) }
        return state
    }

    private func suspended(_ state: ScheduleState, _ suspend: Suspension, at now: Timestamp) -> ScheduleDecision {
        var state = state
        state.decidedUntil = max(state.decidedUntil, now)
        let next = suspend.until.flatMap { times.next(after: max($0, state.decidedUntil)) }
        return ScheduleDecision(fires: [], cancelPrevious: false, state: state, nextAt: next?.moment)
    }

    /// Nothing is due; every time up to `now` whose moment is not still to come is decided.
    private func settled(_ state: ScheduleState, until now: Timestamp, next: DueTime?) -> ScheduleDecision {
        var state = state
        let end = next.map { min(now, $0.time + .milliseconds(-1)) } ?? now
        state.decidedUntil = max(state.decidedUntil, end)
        return ScheduleDecision(fires: [], cancelPrevious: false, state: state, nextAt: next?.moment)
    }

    // MARK: what is due

    private func decide(_ state: ScheduleState, due now: Timestamp, isPreviousOpen: Bool) -> ScheduleDecision {
        let (due, next) = times.due(after: state.decidedUntil, at: now, atMost: 1)
        var decision = settled(state, until: now, next: next)
        guard let newest = due.last else { return decision }
        guard isWanted(newest, isNewest: true, at: now) else {
            decision.state.leftOut = missed(newest, at: now)
            return decision
        }
        var wanted = [newest]
        if overlap == .allow, trigger.missed == .all { wanted = useful(after: state.decidedUntil, at: now) }
        decision.state.leftOut = nil
        // What a leader who died intended is this run, and no other.
        let isPreviousOpen = isPreviousOpen && state.lastRun?.time != newest.time
        switch overlap {
        case .forbid where isPreviousOpen:
            wanted = []
            decision.state.leftOut =
                "\(newest.time.compact) was left out: the run before it was not over (overlap: forbid)"
        case .replace: decision.cancelPrevious = isPreviousOpen
        case .forbid, .allow: break
        }
        decision.fires = wanted.map { ScheduleFire(of: name, at: $0.time) }
        return decision
    }

    private func isWanted(_ due: DueTime, isNewest: Bool, at now: Timestamp) -> Bool {
        let late = now - due.moment
        if isNewest, late <= ScheduleBounds.grace { return true }
        switch trigger.missed {
        case .skip: return false
        case .once, .all: return late <= startDeadline
        }
    }

    /// Of all times that are due, the newest that are of use still.
    private func useful(after decided: Timestamp, at now: Timestamp) -> [DueTime] {
        // Older ones are past every deadline.
        let age = max(startDeadline, ScheduleBounds.grace) + times.jitter.longest + .milliseconds(1)
        let due = times.due(
            after: max(decided, now + (.zero - age)), at: now, atMost: ScheduleBounds.mostAtOnce
        ).due
        return due.filter { isWanted($0, isNewest: $0 == due.last, at: now) }
    }

    private func missed(_ newest: DueTime, at now: Timestamp) -> String {
        let late = (now - newest.moment).components.seconds
        let deadline = startDeadline.components.seconds
        let why = trigger.missed == .skip ? "missed: skip" : "its start deadline is \(deadline) s"
        return "\(newest.time.compact) was missed by \(late) s (\(why))"
    }
}
