// What a full pass need not read: an instance whose observed hash has the revision and the digest that it had when it was
// last looked at is what it was then.

import Reconcilers
package import Model
package import Store

extension Fleet {
    /// Of one shard: those that are not proven unchanged, those that are new, and those whose report is gone.
    package mutating func unproven(_ summaries: [InstanceSummary], shard: Int) -> [Slot] {
        var suspects: [Slot] = []
        var listed: Set<Slot> = []
        listed.reserveCapacity(summaries.count)
        for summary in summaries {
            let slot = ensureSlot(summary.id)
            listed.insert(slot)
            if !prove(slot, summary) { suspects.append(slot) }
        }
        for index in servers.indices where servers[index].shard == shard {
            suspects += servers[index].slots.filter { !listed.contains($0) && self[$0].revision >= 0 }
        }
        return suspects.sorted()
    }

    private mutating func prove(_ slot: Slot, _ summary: InstanceSummary) -> Bool {
        let record = self[slot]
        let digest = UInt64(summary.fieldsDigest, radix: 16) ?? 0
        guard record.flags.contains(.seen), record.revision == Int64(summary.revision) else { return false }
        // The first pass after a look takes the digest; from then on other fields under the same revision are a change.
        let isKnown = record.digestRevision == record.revision
        if isKnown, record.fieldsDigest == digest { return true }
        records[Int(slot.index)].fieldsDigest = digest
        records[Int(slot.index)].digestRevision = record.revision
        return !isKnown
    }
}

extension Fleet {
    /// Of these instances those that are taken to be in sync, and what says how they should be.
    package func settled(_ slots: ArraySlice<Slot>) -> [(slot: Slot, id: InstanceID, source: Work.Source)] {
        slots.compactMap { slot in
            guard slot.index < records.count else { return nil }
            let record = self[slot]
            let flags = record.flags
            guard flags.contains([.inUse, .placed]), record.phase == .ready, !flags.contains(.stale) else { return nil }
            return source(record).map { (slot, id(slot), $0) }
        }
    }

    private func source(_ record: InstanceRecord) -> Work.Source? {
        let server = servers[Int(record.server)]
        guard record.app >= 0 else { return server.compiled.map { .server($0, root: server.root) } }
        return apps[Int(record.app)].compiled.map { .app($0, server.facts) }
    }
}
