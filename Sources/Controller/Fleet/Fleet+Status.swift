// What people are told of Apps and Servers, from the counts.

package import Model
import Reconcilers
import Store

extension Fleet {
    package func key(_ owner: StatusOwner) -> ResourceKey {
        switch owner {
        case .app(let index): ResourceKey(.app, apps[Int(index)].name)
        case .server(let index): ResourceKey(.server, servers[Int(index)].name)
        }
    }

    /// The status as it should be now; nil if there is no such resource.
    package func status(_ owner: StatusOwner, previous: ResourceStatus?, now: Timestamp) -> ResourceStatus? {
        let facts: StatusFacts
        switch owner {
        case .app(let index):
            guard apps[Int(index)].exists else { return nil }
            facts = self.facts(ofApp: Int(index), now: now)
        case .server(let index):
            guard servers[Int(index)].exists else { return nil }
            facts = self.facts(ofServer: Int(index), now: now)
        }
        return StatusReducer.status(of: key(owner), facts, previous: previous, now: now)
    }

    private func facts(ofApp index: Int, now: Timestamp?) -> StatusFacts {
        let app = apps[index]
        var facts = StatusFacts(
            generation: app.generation, counts: app.tally.counts, drifted: app.tally.drifting, stale: app.tally.stale)
        for (phase, example) in app.examples {
            let record = self[example.slot]
            guard record.flags.contains(.inUse), Int(record.app) == index, record.phase == phase else { continue }
            facts.examples[phase] = "\(id(example.slot)): \(example.message)"
        }
        if let now, let suspension = app.compiled?.spec.suspend, suspension.isInForce(at: now) {
            facts.suspension = suspension
        }
        facts.invalid = app.problem
        return facts
    }

    private func facts(ofServer index: Int, now: Timestamp) -> StatusFacts {
        let server = servers[index]
        var facts = StatusFacts(generation: server.generation, counts: [:])
        if let slot = slot(InstanceID(app: nil, server: server.name)) {
            let record = self[slot]
            let isCurrent = Int(record.generation) == server.generation
            facts.counts = [isCurrent ? record.phase : .progressing: 1]
            facts.drifted = record.flags.contains(.drifting) ? 1 : 0
            if isCurrent, !server.message.isEmpty { facts.examples = [record.phase: server.message] }
        }
        facts.stale = server.reports ? 0 : 1
        if let suspension = server.compiled?.spec.suspend, suspension.isInForce(at: now) {
            facts.suspension = suspension
        }
        facts.invalid = server.problem
        return facts
    }

    /// The conditions that an App has now, as other Apps can depend on them.
    func trueConditions(app index: Int) -> Set<String> {
        guard apps[index].exists else { return [] }
        let status = StatusReducer.status(
            of: ResourceKey(.app, apps[index].name), facts(ofApp: index, now: nil), previous: nil,
            now: Timestamp(milliseconds: 0))
        return Set(status.conditions.lazy.filter(\.status).map(\.type.rawValue))
    }

    /// What was written or read of a status.
    package mutating func setStatus(_ status: ResourceStatus?, of owner: StatusOwner) {
        switch owner {
        case .app(let index): apps[Int(index)].status = status
        case .server(let index): servers[Int(index)].status = status
        }
    }

    package func knownStatus(_ owner: StatusOwner) -> ResourceStatus? {
        switch owner {
        case .app(let index): apps[Int(index)].status
        case .server(let index): servers[Int(index)].status
        }
    }

    /// At the begin of a term: what another leader wrote is not known, and every status is to be looked at.
    package mutating func forgetStatuses() {
        for index in apps.indices { (apps[index].status, apps[index].heldGeneration) = (nil, nil) }
        for index in servers.indices { servers[index].status = nil }
        // Apps come last in the list, so that they are reviewed first.
        unreviewed = servers.indices.map { .server(Int32($0)) } + apps.indices.map { .app(Int32($0)) }
    }

    /// Once for each App and generation: the brake on mass removal is on.
    package mutating func takeNewBrake(_ owner: StatusOwner) -> (name: String, removing: Int, of: Int)? {
        guard case .app(let index) = owner, let brake = apps[Int(index)].brake else { return nil }
        let generation = apps[Int(index)].generation
        guard apps[Int(index)].heldGeneration != generation else { return nil }
        apps[Int(index)].heldGeneration = generation
        return (apps[Int(index)].name, brake.removing, brake.of)
    }
}

extension ServerState {
    /// Whether its agent, or another collector in its place, reports. Of another collector only its existence is asked.
    var reports: Bool {
        if compiled?.spec.monitor.hash != nil { return true }
        return hasReported && !isStale
    }

    /// Only what an agent watches, and somebody declared, can be stale. `lastReport`: nil if it is not silent, or was
    /// forgotten with a Server that was deleted and declared anew.
    func isStale(lastReport: Timestamp?, at now: Timestamp) -> Bool {
        guard let monitor = compiled?.spec.monitor, monitor.hash == nil else { return false }
        guard let lastReport else { return root != nil && !hasReported }
        return now - lastReport > ObservedServer.silence(every: monitor.every)
    }
}

extension Fleet {
    /// A status that could not be written is tried again.
    package mutating func markDirty(_ owner: StatusOwner) { dirtyStatuses.insert(owner) }
}
