// On which servers a Schedule with a condition fires: where a value of the monitor hash begins to be beyond its limit, and
// stays there for long enough. Pure, as `ScheduleDecider` is.

public import Model

/// What a server's monitor hash said.
public struct Measurement: Sendable, Hashable {
    public var server: String
    /// nil: it has none, or is silent.
    public var value: Double?

    public init(server: String, value: Double?) {
        self.server = server
        self.value = value
    }
}

public struct ConditionDecision: Sendable, Hashable {
    public struct Fire: Sendable, Hashable {
        public var server: String
        /// Of the time at which the condition began to hold there.
        public var fire: ScheduleFire
    }

    /// By server.
    public var fires: [Fire]
    /// To be written after the fires are enqueued.
    public var state: ScheduleState
    /// When a condition that goes on holding fires; nil: no time decides that, only other measurements.
    public var nextAt: Timestamp?
}

/// Guarantees:
/// - One fire for each time that the condition begins to hold on a server, once it held for `lasting`, and not before
///   `coolDown` is over since the last one there: one that still holds then fires then.
/// - A fire's onset is in the state that was given. So it is in the store before anybody can fire for it, and a leader that
///   dies in between leaves its successor the same id.
/// - Where there is no measurement, nothing begins, ends or fires.
/// - What began to hold while the Schedule was suspended never fires; what holds when it changed begins anew.
///
/// Caveat: when the leader dies after the fire was enqueued and before the state was written, and the condition ended before
/// its successor looked, the cool-down of that fire is not known.
public struct ConditionDecider: Sendable {
    private let name: String
    private let generation: Int
    private let trigger: ConditionTrigger
    private let suspend: Suspension?

    public init(name: String, generation: Int, spec: ScheduleSpec, trigger: ConditionTrigger) {
        self.name = name
        self.generation = generation
        self.trigger = trigger
        suspend = spec.suspend
    }

    /// `measurements` of all servers that are chosen, one each; the edges of others are forgotten once they cooled down.
    public func decide(_ state: ScheduleState?, now: Timestamp, measurements: [Measurement]) -> ConditionDecision {
        let isSuspended = suspend?.isInForce(at: now) ?? false
        let state = begun(state, at: now)
        var decision = ConditionDecision(
            fires: [], state: state, nextAt: nil)
        decision.state.edges = state.edges.mapValues { forgotten($0, at: now) }
        for measurement in measurements.sorted(by: { $0.server < $1.server }) {
            let known = state.edges[measurement.server]
            var edge = known.map { clocked($0, at: now) } ?? ScheduleState.Edge()
            if let value = measurement.value, value.isFinite {
                follow(&edge, holds: trigger.limit.holds(value), at: now, isSuspended: isSuspended)
                // An onset that the store does not know yet is written first.
                settle(&edge, isWritten: known?.since == edge.since, of: measurement.server, at: now, in: &decision)
            }
            decision.state.edges[measurement.server] = edge
        }
        decision.state.edges = decision.state.edges.filter { isOfUse($0.value, at: now) }
        return decision
    }

    /// Fires, or says when it would.
    private func settle(
        _ edge: inout ScheduleState.Edge, isWritten: Bool, of server: String, at now: Timestamp,
        in decision: inout ConditionDecision
    ) {
        guard let since = edge.since, let due = due(edge) else { return }
        guard due <= now, isWritten else {
            let next = max(due, now)
            decision.nextAt = decision.nextAt.map { min($0, next) } ?? next
            return
        }
        decision.fires.append(.init(server: server, fire: ScheduleFire(of: name, at: since)))
        edge.hasFired = true
        edge.firedAt = now
    }

    private func begun(_ state: ScheduleState?, at now: Timestamp) -> ScheduleState {
        guard var state else { return ScheduleState(generation: generation, decidedUntil: now) }
        state.decidedUntil = max(state.decidedUntil, now)
        guard state.generation != generation else { return state }
        state.generation = generation
        (state.leftOut, state.unwatched) = (nil, nil)
        state.edges = state.edges.mapValues { ScheduleState.Edge(firedAt: $0.firedAt) }
        return state
    }

    private func follow(_ edge: inout ScheduleState.Edge, holds: Bool, at now: Timestamp, isSuspended: Bool) {
        guard holds else {
            edge.since = nil
            edge.hasFired = false
            return
        }
        edge.since = edge.since ?? now
        // As good as fired: it is not made up for afterwards.
        if isSuspended { edge.hasFired = true }
    }

    /// When an edge that goes on holding fires; nil if it has, or does not hold.
    private func due(_ edge: ScheduleState.Edge) -> Timestamp? {
        guard let since = edge.since, !edge.hasFired else { return nil }
        let held = since + trigger.lasting
        return edge.firedAt.map { max(held, $0 + trigger.coolDown) } ?? held
    }

    /// A clock that was set back makes nobody wait longer than from now on.
    private func clocked(_ edge: ScheduleState.Edge, at now: Timestamp) -> ScheduleState.Edge {
        var edge = edge
        edge.since = edge.since.map { min($0, now) }
        edge.firedAt = edge.firedAt.map { min($0, now) }
        return edge
    }

    /// Of a server that is not chosen any more, only the cool-down is left.
    private func forgotten(_ edge: ScheduleState.Edge, at now: Timestamp) -> ScheduleState.Edge {
        ScheduleState.Edge(firedAt: clocked(edge, at: now).firedAt)
    }

    private func isOfUse(_ edge: ScheduleState.Edge, at now: Timestamp) -> Bool {
        edge.since != nil || edge.firedAt.map { now < $0 + trigger.coolDown } ?? false
    }
}
