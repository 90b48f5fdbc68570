// What a full pass need not read: an instance whose observed hash has the revision and the digest that it had when it was
// last looked at is what it was then.

import Reconcilers
import Model
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
        for server in servers where StoreLayout.shard(of: server.name) == shard {
            for slot in server.slots where !listed.contains(slot) && self[slot].revision >= 0 { suspects.append(slot) }
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

    /// Report intervals of those servers that an agent watches; undeclared ones are nobody's concern.
    package func intervals(of names: [String]) -> [String: Duration] {
        var intervals: [String: Duration] = [:]
        for name in names {
            guard let compiled = server(named: name)?.compiled, compiled.spec.monitor.hash == nil else { continue }
            intervals[name] = compiled.spec.monitor.every
        }
        return intervals
    }
}

extension Fleet {
    /// Those of these instances that are taken to be in sync, and what they are to be compared with. Where no server has a
    /// say in an App's fields, all of its instances share one expectation.
    package func passItems(_ slots: ArraySlice<Slot>) -> [(slot: Slot, item: FullPass.Item)] {
        var shared: [Int32: InstanceExpectation] = [:]
        return slots.compactMap { slot in
            guard slot.index < records.count else { return nil }
            let record = self[slot]
            let flags = record.flags
            guard flags.contains(.inUse), flags.contains(.placed), record.phase == .ready, !flags.contains(.stale)
            else {
                return nil
            }
            guard let expectation = expectation(record, &shared) else { return nil }
            return (slot, FullPass.Item(id: id(slot), expectation: expectation))
        }
    }

    private func expectation(_ record: InstanceRecord, _ shared: inout [Int32: InstanceExpectation])
        -> InstanceExpectation?
    {
        let server = servers[Int(record.server)]
        guard record.app >= 0 else { return server.compiled?.expectation(root: server.root) }
        guard let app = apps[Int(record.app)].compiled else { return nil }
        let isCommon = app.spec.overrides[server.name] == nil && !app.dependsOnServer(server.name)
        if isCommon, let known = shared[record.app] { return known }
        let expectation = app.expectation(on: server.facts)
        if isCommon { shared[record.app] = expectation }
        return expectation
    }
}
