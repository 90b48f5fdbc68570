// Schedules with times, all that are due together: what is asked and written of them is one call for each queue and each
// shard, whatever their number, so that a thousand at one second are not late.
//
// Guarantees, for each of them: the run before is asked for, cancelled where it is replaced, the intent is written, the jobs
// are enqueued, and the state is written, in this order. Whatever fails, all of it can be done again from its beginning.

internal import Logging
internal import Model
internal import Reconcilers
internal import Store

extension ScheduleService {
    /// Those of the entries whose jobs are enqueued together.
    private struct Batch {
        var range: Range<Int>
        var jobs: [RunQueue: [RunJob]] = [:]
        var members: [Pool: [String]] = [:]
        var intents: [String: ScheduleState] = [:]
        var fired: [String] = []
        var count = 0

        mutating func add(_ plan: RunPlan, of fire: ScheduleFire) {
            fired.append(fire.id)
            for (queue, jobs) in plan.jobs {
                self.jobs[queue, default: []] += jobs
                count += jobs.count
            }
            members.merge(plan.members) { known, _ in known }
        }
    }

    /// The entries after their decisions. One that cannot be decided keeps no other back: then each is tried alone.
    func settled(_ due: [ScheduleEntry], _ round: Round) async -> [ScheduleEntry] {
        var entries = due
        do throws(StoreError) {
            try await settle(&entries, round)
        } catch {
            guard !error.isLasting || entries.count == 1 else {
                return await each(entries) { await self.settled([$0], round)[0] }
            }
            note(error, "schedules not fired", round.lease)
            for index in entries.indices { await fail(&entries[index], error, round) }
        }
        return entries
    }

    private func settle(_ entries: inout [ScheduleEntry], _ round: Round) async throws(StoreError) {
        let open = try await openOnes(entries)
        let decisions = entries.enumerated().map { index, entry in
            entry.decide(at: round.now, isPreviousOpen: open.contains(index))
        }
        try await cancel(zip(entries, decisions).filter(\.1.cancelPrevious).compactMap(\.0.state?.lastRun), round.lease)
        var states = decisions.map(\.state)
        var start = 0
        while start < entries.count {
            let batch = batch(from: start, entries, decisions, &states, round)
            try await enqueue(batch, &entries, &states, round)
            start = batch.range.upperBound
            for index in batch.range { entries[index].dueAt = decisions[index].nextAt }
        }
    }

    /// As many as have not too many jobs for one batch, but one at least.
    private func batch(
        from start: Int, _ entries: [ScheduleEntry], _ decisions: [ScheduleDecision], _ states: inout [ScheduleState],
        _ round: Round
    ) -> Batch {
        var batch = Batch(range: start..<start)
        while batch.range.upperBound < entries.count, batch.count < configuration.scheduledJobsTogether {
            let index = batch.range.upperBound
            let entry = entries[index]
            for fire in decisions[index].fires {
                guard let plan = plan(fire, entry.spec.request, entry.name, &states[index], round) else { continue }
                batch.add(plan, of: fire)
                guard entry.spec.overlap != .allow, let run = states[index].lastRun else { continue }
                // What was said last stays until this time is decided: the same is not told again.
                var intent = decisions[index].intent(run)
                intent.leftOut = entry.state?.leftOut
                batch.intents[entry.name] = intent
            }
            batch.range = start..<(index + 1)
        }
        return batch
    }

    private func enqueue(
        _ batch: Batch, _ entries: inout [ScheduleEntry], _ states: inout [ScheduleState], _ round: Round
    ) async throws(StoreError) {
        try await write(batch.intents, round)
        for index in batch.range { entries[index].state = batch.intents[entries[index].name] ?? entries[index].state }
        do throws(StoreError) {
            let jobs = batch.jobs.sorted { $0.key < $1.key }.map { (queue: $0.key, jobs: $0.value) }
            _ = try await store.submit(jobs, members: batch.members, lease: round.lease)
            for id in batch.fired { logger.info("a schedule fired", metadata: ["run": "\(id)"]) }
        } catch {
            // Where there is nowhere to put it, that is told: the time is over all the same.
            guard error.isLasting, entries.count == 1 else { throw error }
            states[0].leftOut = "\(states[0].lastRun?.id ?? entries[0].name) was left out: \(error)"
        }
        let news = batch.range.filter {
            states[$0].isNews(to: entries[$0].state) || batch.intents[entries[$0].name] != nil
                || entries[$0].spec.suspend != nil
        }
        let written = Dictionary(uniqueKeysWithValues: news.map { (entries[$0].name, states[$0]) })
        try await write(written, round)
        for index in batch.range { await keep(states[index], in: &entries[index], round) }
    }

    // MARK: the runs before

    /// Those whose last run is not over, of those to which it matters, by index.
    private func openOnes(_ entries: [ScheduleEntry]) async throws(StoreError) -> Set<Int> {
        var asked: [RunQueue: [(index: Int, id: String)]] = [:]
        for (index, entry) in entries.enumerated() where entry.spec.overlap != .allow {
            guard let run = entry.state?.lastRun else { continue }
            for queue in run.queues { asked[queue, default: []] += run.ids.map { (index, $0) } }
        }
        let calls = asked.flatMap { queue, asked in
            stride(from: 0, to: asked.count, by: RunBounds.largestBatch).map { start in
                (queue: queue, asked: asked[start..<min(start + RunBounds.largestBatch, asked.count)])
            }
        }
        let open = try await store.onEach(calls) { call throws(StoreError) in
            let records = try await store.runs(call.asked.map(\.id), on: call.queue)
            return zip(call.asked, records).compactMap { $1?.state.isOpen ?? false ? $0.index : nil }
        }
        return Set(open.joined())
    }

    private func cancel(_ runs: [ScheduleState.LastRun], _ lease: Lease) async throws(StoreError) {
        let jobs = runs.flatMap { run in run.queues.flatMap { queue in run.ids.map { (id: $0, queue: queue) } } }
        _ = try await store.onEach(jobs) { job throws(StoreError) in
            try await store.cancel(job.id, on: job.queue, lease: lease)
        }
    }
}
