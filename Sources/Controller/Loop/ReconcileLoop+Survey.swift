// Looking at many instances at once, without writing: at the start of a replica, and after a gap in the feed. Most of a
// fleet is as it should be, and is recognised by comparing; only the rest is decided about.

import Model
import Reconcilers
package import Store

extension ReconcileLoop {
    /// Takes in what these instances are. What a decision would write is left to the queue, or to a later term.
    @concurrent package nonisolated func survey(_ slots: [Slot]) async throws(StoreError) {
        var survey = Survey()
        for start in stride(from: 0, to: slots.count, by: configuration.requeueBatch) {
            let works = await begin(slots[start..<min(start + configuration.requeueBatch, slots.count)])
            guard !works.isEmpty, let now = clock.now() else { continue }
            do {
                let collected = SnapshotCollector()
                try await store.instances(works.map(\.id)) { collected.add($0) }
                await settle(survey.findings(works, collected.snapshots, now: now))
            } catch .corrupt {
                // One of them cannot be read: each is looked at by itself, and that one is told of.
                await resync(works.map(\.slot))
            }
        }
    }
}

/// Many instances, looked at one after the other.
struct Survey {
    private var expectations = Expectations()

    mutating func findings(
        _ works: [Work], _ snapshots: [InstanceSnapshot], now: Timestamp
    ) -> [(slot: Slot, finding: Finding)] {
        // On a cluster they come in any order.
        let byID = Dictionary(snapshots.map { ($0.id, $0) }) { first, _ in first }
        return works.compactMap { work in
            byID[work.id].map {
                (slot: work.slot, finding: unreadable($0) ?? settled(work, $0) ?? decided(work, $0, now))
            }
        }
    }

    /// Nothing is known of it; the look at it alone says why.
    private func unreadable(_ snapshot: InstanceSnapshot) -> Finding? {
        guard snapshot.problem != nil else { return nil }
        var finding = Finding()
        finding.isPending = true
        return finding
    }

    private func decided(_ work: Work, _ snapshot: InstanceSnapshot, _ now: Timestamp) -> Finding {
        let decision = Decision(work, snapshot, now: now, budget: false)
        var finding = decision.finding
        finding.isPending =
            decision.waitsForBudget || decision.outcome.lookAgainAt != nil || decision.commit(epoch: 0, now: now) != nil
        return finding
    }

    /// The finding on an instance that is plainly in sync, and of which the leader that saw it last said so; nil if it
    /// takes more than that to say.
    private mutating func settled(_ work: Work, _ snapshot: InstanceSnapshot) -> Finding? {
        guard work.gates.suspension == nil, !work.gates.serverStale, let control = snapshot.control,
            let observed = snapshot.observed, let assignment = control.assignment
        else { return nil }
        guard control.phase == .ready, control.message.isEmpty, control.openJob == nil, control.drift.isEmpty,
            control.metDigest == observed.digest, assignment.digest == observed.digest
        else { return nil }
        guard let expectation = expectations.of(work.source),
            InstanceExpectation.number(observed.digest) == expectation.digest,
            expectation.isInSync(observed.fields)
        else { return nil }
        var finding = Finding()
        finding.phase = .ready
        finding.revision = Int64(observed.revision)
        finding.generation = work.generation
        (finding.isAssigned, finding.isAvailable, finding.hasMet) = (true, true, true)
        return finding
    }
}
