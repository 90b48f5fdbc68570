// One look at one instance: read, resolve, decide, commit.

import Logging
import Model
import Reconcilers
import Store

extension ReconcileLoop {
    @concurrent nonisolated func work(_ slot: Slot) async {
        var finding: Finding?
        var error: StoreError?
        let result = await look(at: slot, &finding, &error)
        await finish(slot, finding, result, error)
    }

    /// What became of one try.
    private enum Try {
        case done(WorkResult)
        /// Somebody wrote in between.
        case again
    }

    private nonisolated func look(
        at slot: Slot, _ finding: inout Finding?, _ failure: inout StoreError?
    ) async -> WorkResult {
        for _ in 0..<configuration.conflictRepeats {
            guard let work = await begin(slot), let now = clock.now() else { return .settled }
            do {
                if case .done(let result) = try await look(work, now: now, &finding) { return result }
            } catch {
                failure = error
                return .failed
            }
        }
        return .failed
    }

    private nonisolated func look(
        _ work: Work, now: Timestamp, _ finding: inout Finding?
    ) async throws(StoreError) -> Try {
        let snapshot = try await store.instance(work.id)
        var decision = Decision(work, snapshot, now: now, budget: false)
        let isLeading = leadership.lease(at: time.now()) != nil
        if decision.waitsForBudget, isLeading, await reserve(work.slot) {
            decision = Decision(work, snapshot, now: now, budget: true)
        }
        finding = decision.finding
        let after = again(decision)
        guard let lease = leadership.lease(at: time.now()) else {
            finding?.isPending = decision.waitsForBudget || decision.commit(epoch: 0, now: now) != nil
            return .done(after)
        }
        guard let commit = decision.commit(epoch: lease.epoch, now: now) else { return .done(after) }
        do {
            try await store.commit(commit, lease: lease)
        } catch .conflict {
            return .again
        } catch .fenced(let epoch) {
            logger.warning(
                "a write was refused",
                metadata: ["instance": "\(work.id)", "epoch": "\(lease.epoch)", "newer": "\(epoch)"])
            leadership.refused(lease)
            finding?.isPending = true
            return .done(.settled)
        }
        if let job = commit.job {
            logger.info(
                "job emitted",
                metadata: [
                    "instance": "\(work.id)", "job": "\(job.id)", "generation": "\(job.plan.generation)",
                    "steps": "\(job.plan.steps.count)", "epoch": "\(lease.epoch)",
                ])
        }
        return .done(after)
    }

    private nonisolated func again(_ decision: Decision) -> WorkResult {
        guard let at = decision.outcome.lookAgainAt else { return .settled }
        return .requeue(after: max(.zero, clock.local(at) - time.now()))
    }
}
