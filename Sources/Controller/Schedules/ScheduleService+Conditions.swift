// Schedules with a condition: their servers are measured at every look, and each fires for itself.

internal import Logging
internal import Model
internal import Reconcilers
internal import Store

extension ScheduleService {
    /// The entry after its decision; after a failure it is decided anew soon.
    func settled(_ entry: ScheduleEntry, _ round: Round) async -> ScheduleEntry {
        var entry = entry
        guard case .condition(let decider, let trigger) = entry.clockwork else { return entry }
        do throws(StoreError) {
            try await settle(&entry, decider, trigger, round)
        } catch {
            note(error, "schedule not fired", round.lease)
            await fail(&entry, error, round)
        }
        return entry
    }

    private func settle(
        _ entry: inout ScheduleEntry, _ decider: ConditionDecider, _ trigger: ConditionTrigger, _ round: Round
    ) async throws(StoreError) {
        entry.dueAt = round.now + configuration.conditionLook
        let servers: [String]
        do throws(RequestProblem) { servers = try round.planner.servers(of: entry.spec.request) } catch {
            var state = entry.state ?? ScheduleState(generation: entry.generation, decidedUntil: round.now)
            state.unwatched = "\(error)"
            return try await write(state, of: &entry, round)
        }
        let seen = try await store.measurements(
            trigger.metric, of: servers, collectors: round.planner.collectors(of: servers))
        let measured = zip(servers, seen.values).map { Measurement(server: $0, value: $1) }
        let decision = decider.decide(entry.state, now: round.now, measurements: measured)
        var state = decision.state
        state.unwatched = seen.unread
        if !decision.fires.isEmpty { state.leftOut = nil }
        for due in decision.fires { try await enqueue(due, entry, &state, round) }
        try await write(state, of: &entry, round)
        if let next = decision.nextAt, let look = entry.dueAt { entry.dueAt = min(next, look) }
    }

    /// Where there is nowhere to put it, that is told: what began to hold has fired all the same.
    private func enqueue(
        _ due: ConditionDecision.Fire, _ entry: ScheduleEntry, _ state: inout ScheduleState, _ round: Round
    ) async throws(StoreError) {
        var request = entry.spec.request
        var fire = due.fire
        if case .any = request.targets {
            // Of two servers at the same second, each has a job.
            fire.id += ".\(due.server)"
        } else {
            request.targets = .servers([due.server])
        }
        guard let plan = plan(fire, request, entry.name, &state, round) else { return }
        do throws(StoreError) {
            _ = try await store.submit(plan.jobs, members: plan.members, lease: round.lease)
            logger.info("a schedule fired", metadata: ["run": "\(fire.id)"])
        } catch {
            guard error.isLasting else { throw error }
            state.leftOut = "\(fire.id) was left out: \(error)"
        }
    }

    private func write(
        _ state: ScheduleState, of entry: inout ScheduleEntry, _ round: Round
    ) async throws(StoreError) {
        if state.isNews(to: entry.state) {
            try await write([entry.name: state], round)
        }
        await keep(state, in: &entry, round)
    }
}
