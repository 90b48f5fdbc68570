// What a look at one instance needs from the fleet, and what it brings back.

import DequeModule
package import Model
package import Reconcilers
import Store

/// All that is known beside the store's two hashes when an instance is looked at.
package struct Work: Sendable {
    package enum Source: Sendable {
        case app(CompiledApp, ServerFacts)
        case server(CompiledServer, root: String?)
        /// Nothing is desired here; what the store says of the resource and of the server says whether it may go.
        case nothing(resource: Declaration, server: Declaration)
    }

    package var slot: Slot
    package var id: InstanceID
    package var source: Source
    package var gates: Gates
    /// Of the resource that declares it; 0 if there is none.
    package var generation: Int
}

/// What a look found.
package struct Finding: Sendable {
    package var phase: InstancePhase = .unknown
    package var message = ""
    package var revision: Int64 = -1
    package var generation = 0
    package var isAssigned = false
    package var isAvailable = false
    package var hasMet = false
    package var hasOpenJob = false
    /// Steps are wanted.
    package var isDrifting = false
    package var isStale = false
    /// A standby's decision that would have written.
    package var isPending = false
    /// Neither of the two hashes is there.
    package var isGone = false

    package init() {}
}

extension Fleet {
    /// What is needed to look at an instance; nil if nothing can be said about it now.
    package mutating func begin(_ slot: Slot) -> Work? {
        let record = self[slot]
        guard record.flags.contains(.inUse) else { return nil }
        if let work = record.app < 0 ? beginOwn(slot, record) : beginApp(slot, record) { return work }
        // What declares it cannot be read: it is left as it is, and nobody waits for it meanwhile.
        change(slot) { $0.flags.subtract([.unseen, .inFlight, .reserved]) }
        return nil
    }

    private mutating func beginApp(_ slot: Slot, _ record: InstanceRecord) -> Work? {
        let app = apps[Int(record.app)]
        let server = servers[Int(record.server)]
        guard app.problem == nil, server.problem == nil else { return nil }
        var work = Work(
            slot: slot, id: InstanceID(app: app.name, server: server.name),
            source: .nothing(resource: app.declaration, server: server.declaration), gates: Gates(),
            generation: app.compiled == nil ? 0 : app.generation)
        work.gates.serverStale = server.isStale
        work.gates.suspension = Suspension.last(app.compiled?.spec.suspend, server.compiled?.spec.suspend)
        if let compiled = app.compiled, record.flags.contains(.placed) {
            work.source = .app(compiled, server.facts)
            work.gates.missingDependency = missingDependency(of: compiled, for: slot)
        } else if app.exists, server.exists {
            work.gates.removalBrake = app.brake
        }
        return work
    }

    private mutating func beginOwn(_ slot: Slot, _ record: InstanceRecord) -> Work? {
        let server = servers[Int(record.server)]
        guard server.problem == nil else { return nil }
        var work = Work(
            slot: slot, id: InstanceID(app: nil, server: server.name),
            source: .nothing(resource: server.declaration, server: server.declaration), gates: Gates(),
            generation: server.compiled == nil ? 0 : server.generation)
        work.gates.serverStale = server.isStale
        work.gates.suspension = server.compiled?.spec.suspend
        if let compiled = server.compiled, compiled.hasContent {
            work.source = .server(compiled, root: server.root)
        }
        return work
    }

    // Dependencies

    /// The first App that does not have the condition that is asked for. The instance is woken when it has.
    private mutating func missingDependency(of app: CompiledApp, for slot: Slot) -> String? {
        for (name, condition) in app.spec.dependsOn.sorted(by: { $0.key < $1.key }) {
            let index = self.app(name)
            let conditions = trueConditions(app: index)
            if conditions.contains(condition) { continue }
            apps[index].knownConditions = conditions
            apps[index].dependents.insert(slot)
            return name
        }
        return nil
    }

    mutating func afterChange(ofApp index: Int) {
        dirtyStatuses.insert(.app(Int32(index)))
        wakeWaiters(ofApp: index)
        guard !apps[index].dependents.isEmpty else { return }
        wakeDependents(ofApp: index)
    }

    /// Wakes those whose condition is there now; the others go on waiting.
    private mutating func wakeDependents(ofApp index: Int) {
        let name = apps[index].name
        let conditions = trueConditions(app: index)
        guard conditions != apps[index].knownConditions else { return }
        apps[index].knownConditions = conditions
        for slot in apps[index].dependents.sorted() {
            let owner = self[slot].app
            let asked = owner < 0 ? nil : apps[Int(owner)].compiled?.spec.dependsOn[name]
            if let asked, !conditions.contains(asked) { continue }
            apps[index].dependents.remove(slot)
            wanted.append(slot)
        }
    }

    // Budget

    /// Takes one unit of the App's budget for an instance whose job could interrupt what serves. If there is none left, the
    /// instance is woken when there is.
    package mutating func reserve(_ slot: Slot) -> Bool {
        let record = self[slot]
        guard record.app >= 0 else { return true }
        let app = apps[Int(record.app)]
        let others = app.tally.unavailable - (record.isUnavailable ? 1 : 0)
        let unseen = app.tally.unseen - (record.flags.contains(.unseen) ? 1 : 0)
        guard unseen == 0, others < app.budget else {
            if !record.flags.contains(.waiting) {
                records[Int(slot.index)].flags.insert(.waiting)
                apps[Int(record.app)].waiters.append(slot)
            }
            return false
        }
        change(slot) { $0.flags.insert(.reserved) }
        return true
    }

    /// As many as there is room for; who finds none after all waits again.
    private mutating func wakeWaiters(ofApp index: Int) {
        guard !apps[index].waiters.isEmpty, apps[index].tally.unseen == 0 else { return }
        var room = apps[index].budget - apps[index].tally.unavailable
        while room > 0, let slot = apps[index].waiters.popFirst() {
            guard self[slot].flags.contains(.inUse), Int(self[slot].app) == index else { continue }
            records[Int(slot.index)].flags.remove(.waiting)
            wanted.append(slot)
            room -= 1
        }
    }

    // After the look

    /// Takes in what a look found.
    package mutating func settle(_ slot: Slot, _ finding: Finding) {
        guard self[slot].flags.contains(.inUse) else { return }
        if finding.isGone, !self[slot].flags.contains(.placed) {
            remove(slot)
            return
        }
        change(slot) { record in
            record.phase = finding.phase
            record.revision = finding.revision
            record.generation = Int32(clamping: finding.generation)
            record.flags.remove(.unseen)
            record.flags.insert(.seen)
            record.flags.set(.assigned, finding.isAssigned)
            record.flags.set(.available, finding.isAvailable)
            record.flags.set(.met, finding.hasMet)
            record.flags.set(.inFlight, finding.hasOpenJob)
            record.flags.set(.reserved, finding.hasOpenJob && record.flags.contains(.reserved))
            record.flags.set(.drifting, finding.isDrifting)
            record.flags.set(.stale, finding.isStale)
            record.flags.set(.pending, finding.isPending)
        }
        remember(finding.phase, finding.message, of: slot)
    }

    private mutating func remember(_ phase: InstancePhase, _ message: String, of slot: Slot) {
        let record = self[slot]
        if record.app < 0 {
            servers[Int(record.server)].message = message
        } else if !message.isEmpty {
            apps[Int(record.app)].examples[phase] = Example(slot: slot, message: message)
        }
    }

    /// It cannot be looked at, or what was decided cannot be written: that is what people are told, and nothing waits for it.
    package mutating func fail(_ slot: Slot, _ message: String) {
        guard self[slot].flags.contains(.inUse) else { return }
        change(slot) { record in
            record.phase = .failed
            record.flags.subtract([.unseen, .inFlight, .reserved])
        }
        remember(.failed, message, of: slot)
    }

    /// Another replica wrote to it.
    package mutating func markUnseen(_ slot: Slot) {
        guard self[slot].flags.contains(.inUse), !self[slot].flags.contains(.unseen) else { return }
        change(slot) { $0.flags.insert(.unseen) }
    }

    /// Asks for a look at all that a standby decided and all that waited: a new leader decides again.
    package mutating func wakePending() {
        for index in records.indices where records[index].flags.contains(.pending) {
            wanted.append(Slot(index: Int32(index)))
        }
        for index in apps.indices where !apps[index].waiters.isEmpty {
            for slot in apps[index].waiters { records[Int(slot.index)].flags.remove(.waiting) }
            wanted += apps[index].waiters
            apps[index].waiters.removeAll()
        }
    }
}

extension InstanceFlags {
    fileprivate mutating func set(_ flag: InstanceFlags, _ isOn: Bool) {
        if isOn { insert(flag) } else { remove(flag) }
    }
}
