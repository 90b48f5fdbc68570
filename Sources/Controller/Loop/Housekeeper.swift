// What is done by the clock rather than because of a change: silent servers, hand edits, and the slow pass that would find
// whatever the feed should ever have missed.

import Logging
import Model
package import Store

package struct Housekeeper: Sendable {
    let store: any ControllerStore
    let loop: ReconcileLoop
    let leadership: Leadership
    let clock: StoreClock
    let configuration: ControllerConfiguration
    let time: any MonotonicTime
    let logger: Logger

    /// Runs until cancelled.
    func run() async {
        await withDiscardingTaskGroup { group in
            group.addTask { await every(configuration.staleCheck) { try await checkStale() } }
            group.addTask { await handEdits() }
            group.addTask { await slowPass() }
            group.addTask { await deepPass() }
        }
    }

    private func every(_ interval: Duration, _ body: () async throws -> Void) async {
        while !Task.isCancelled {
            do { try await body() } catch { logger.debug("housekeeping failed", metadata: ["error": "\(error)"]) }
            await time.sleep(for: interval)
        }
    }

    // Silent servers

    private func checkStale() async throws(StoreError) {
        guard let now = clock.now() else { return }
        let silent = try await store.silentServers(before: now + (.zero - ObservedServer.leastSilence))
        await loop.setStale(silent, at: now)
    }

    // Hand edits

    private func handEdits() async {
        let share = StoreLayout.shards / configuration.handEditSteps
        var step = 0
        while !Task.isCancelled {
            if let lease = leadership.lease(at: time.now()) {
                let shards = (step * share)..<((step + 1) * share)
                await withDiscardingTaskGroup { group in
                    for shard in shards { group.addTask { await settleEdits(shard: shard, lease) } }
                }
            }
            step = (step + 1) % configuration.handEditSteps
            await time.sleep(for: configuration.handEdits / configuration.handEditSteps)
        }
    }

    private func settleEdits(shard: Int, _ lease: Lease) async {
        do {
            for key in try await store.handEdits(shard: shard) { await settleEdit(of: key, lease) }
        } catch {
            logger.debug("hand edits not looked for", metadata: ["shard": "\(shard)", "error": "\(error)"])
        }
    }

    /// One that cannot be settled keeps no other one waiting.
    private func settleEdit(of key: ResourceKey, _ lease: Lease) async {
        do {
            try await HandEdit(store: store, lease: lease, clock: clock).settle(key)
        } catch .fenced {
            leadership.refused(lease)
        } catch .conflict {
            // Edited or applied again in between: the next round looks again.
        } catch {
            logger.debug("hand edit not settled", metadata: ["resource": "\(key)", "error": "\(error)"])
        }
    }

    // The slow pass

    /// One shard after the other, so that a pass is spread over its whole time.
    private func slowPass() async {
        var shard = 0
        while !Task.isCancelled {
            await time.sleep(for: configuration.fullPass / StoreLayout.shards)
            do {
                let suspects = try await provePass(shard: shard)
                if !suspects.isEmpty { await loop.resync(suspects) }
            } catch {
                logger.debug("slow pass failed", metadata: ["shard": "\(shard)", "error": "\(error)"])
            }
            shard = (shard + 1) % StoreLayout.shards
        }
    }

    /// Instances of the shard that are not proven to be what they were when they were last looked at.
    package func provePass(shard: Int) async throws(StoreError) -> [Slot] {
        let summaries = try await store.summaries(shard: shard)
        return await loop.withFleet { $0.unproven(summaries, shard: shard) }
    }

    // The deep pass

    /// What a proof cannot find, a look at every observed hash can: a hundred at a time, spread over its whole time.
    private func deepPass() async {
        while !Task.isCancelled {
            let slots = await loop.withFleet { $0.allSlots }
            let steps = max(1, (slots.count + configuration.deepPassBatch - 1) / configuration.deepPassBatch)
            for step in 0..<steps {
                await time.sleep(for: configuration.deepPass / steps)
                if Task.isCancelled { return }
                let start = step * configuration.deepPassBatch
                do {
                    try await compare(slots[start..<min(start + configuration.deepPassBatch, slots.count)])
                } catch {
                    logger.debug("deep pass failed", metadata: ["error": "\(error)"])
                }
            }
        }
    }

    /// Expectations are computed here, away from the loop, which has other things to do.
    @concurrent private func compare(_ slots: ArraySlice<Slot>) async throws(StoreError) {
        let settled = await loop.withFleet { $0.settled(slots) }
        var expectations = Expectations()
        var compared: [Slot] = []
        var items: [FullPass.Item] = []
        for (slot, id, source) in settled {
            guard let expectation = expectations.of(source) else { continue }
            compared.append(slot)
            items.append(FullPass.Item(id: id, expectation: expectation))
        }
        guard !items.isEmpty else { return }
        let suspects = try await FullPass.suspects(items, in: store)
        if !suspects.isEmpty { await loop.resync(suspects.map { compared[$0] }) }
    }
}
