// Writes the statuses of Apps and Servers: the leader's task, coalesced, and only where something changed.

import Logging
import Model
import Store

struct StatusWriter: Sendable {
    let store: any ControllerStore
    let loop: ReconcileLoop
    let leadership: Leadership
    let clock: StoreClock
    let configuration: ControllerConfiguration
    let time: any MonotonicTime
    let logger: Logger

    /// Runs until cancelled.
    func run() async {
        while !Task.isCancelled {
            await time.sleep(for: configuration.statusEvery)
            await writeDirty()
        }
    }

    private func writeDirty() async {
        guard let lease = leadership.lease(at: time.now()) else { return }
        let dirty = await loop.withFleet { [portion = configuration.statusReview] in
            $0.takeDirtyStatuses(reviewing: portion)
        }
        guard !dirty.isEmpty else { return }
        await withDiscardingTaskGroup { group in
            let share = (dirty.count + configuration.statusWriters - 1) / configuration.statusWriters
            for start in stride(from: 0, to: dirty.count, by: share) {
                let owners = dirty[start..<min(start + share, dirty.count)]
                group.addTask { for owner in owners { await write(owner, lease) } }
            }
        }
    }

    private func write(_ owner: StatusOwner, _ lease: Lease) async {
        do {
            try await writeIfChanged(owner, lease)
            try await tellOfBrake(owner, lease)
        } catch .fenced {
            leadership.refused(lease)
        } catch .notFound {
            // Deleted in between: there is nothing to say about it any more.
        } catch {
            logger.debug("status not written", metadata: ["error": "\(error)"])
            await loop.withFleet { $0.markDirty(owner) }
        }
    }

    private func writeIfChanged(_ owner: StatusOwner, _ lease: Lease) async throws(StoreError) {
        let (key, known) = await loop.withFleet { ($0.key(owner), $0.knownStatus(owner)) }
        var previous = known
        if previous == nil { previous = try await readable(key) }
        guard let now = clock.now(), leadership.lease(at: time.now()) == lease else { return }
        let before = previous
        guard let status = await loop.withFleet({ $0.status(owner, previous: before, now: now) }) else { return }
        if status != previous { try await store.writeStatus(status, of: key, lease: lease) }
        await loop.withFleet { $0.setStatus(status, of: owner) }
    }

    /// What is stored; one that cannot be read is written anew.
    private func readable(_ key: ResourceKey) async throws(StoreError) -> ResourceStatus? {
        do { return try await store.status(key) } catch .corrupt { return nil }
    }

    private func tellOfBrake(_ owner: StatusOwner, _ lease: Lease) async throws(StoreError) {
        guard let now = clock.now(), let brake = await loop.withFleet({ $0.takeNewBrake(owner) }) else { return }
        let event = Event(
            at: now, severity: .warning, subject: "App/\(brake.name)", reason: "RemovalHeld",
            message: "opsapply confirm App/\(brake.name) would remove \(brake.removing) of \(brake.of) instances")
        try await store.record(event, lease: lease)
    }
}
