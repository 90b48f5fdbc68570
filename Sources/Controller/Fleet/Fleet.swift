// The controller's memory: every App, every Server, and a small record of every instance. A value without clock or network;
// each replica keeps one by following the feed, so that a standby can lead at once.
//
// Guarantees
//  - What one change costs grows neither with the fleet nor with the App's number of servers: counts are kept with each
//    change, and only those who waited for it are woken. A new generation of an App costs O(its instances), once.
//  - What is to be looked at because of a change comes out of `takeWanted`, in a stable order.

package import Model
import Reconcilers
import Store

/// A resource whose status may have changed.
package enum StatusOwner: Sendable, Hashable {
    case app(Int32)
    case server(Int32)
}

package struct Fleet: Sendable {
    package internal(set) var apps: [AppState] = []
    package internal(set) var servers: [ServerState] = []
    package internal(set) var records: [InstanceRecord] = []
    private var appIndex: [String: Int32] = [:]
    private var serverIndex: [String: Int32] = [:]
    private var slots: [UInt64: Slot] = [:]
    private var free: [Slot] = []
    var wanted: [Slot] = []
    var dirtyStatuses: Set<StatusOwner> = []
    /// Statuses that another leader wrote: looked through in small portions, after all that has changed.
    var unreviewed: [StatusOwner] = []

    package init() {}

    // Names

    /// The App's index; its place is made if it is new.
    mutating func app(_ name: String) -> Int {
        if let index = appIndex[name] { return Int(index) }
        apps.append(AppState(name: name))
        appIndex[name] = Int32(apps.count - 1)
        return apps.count - 1
    }

    mutating func server(_ name: String) -> Int {
        if let index = serverIndex[name] { return Int(index) }
        servers.append(ServerState(name: name))
        serverIndex[name] = Int32(servers.count - 1)
        return servers.count - 1
    }

    package func app(named name: String) -> AppState? { appIndex[name].map { apps[Int($0)] } }
    package func server(named name: String) -> ServerState? { serverIndex[name].map { servers[Int($0)] } }
    func indexOfApp(_ name: String) -> Int? { appIndex[name].map(Int.init) }
    func indexOfServer(_ name: String) -> Int? { serverIndex[name].map(Int.init) }

    // Instances

    package var instanceCount: Int { slots.count }

    package subscript(slot: Slot) -> InstanceRecord { records[Int(slot.index)] }

    package func id(_ slot: Slot) -> InstanceID {
        let record = self[slot]
        return InstanceID(
            app: record.app < 0 ? nil : apps[Int(record.app)].name, server: servers[Int(record.server)].name)
    }

    package func slot(_ id: InstanceID) -> Slot? {
        guard let server = serverIndex[id.server] else { return nil }
        guard let name = id.app else { return slots[Self.key(-1, server)] }
        return appIndex[name].flatMap { slots[Self.key($0, server)] }
    }

    private static func key(_ app: Int32, _ server: Int32) -> UInt64 {
        UInt64(UInt32(bitPattern: app)) << 32 | UInt64(UInt32(bitPattern: server))
    }

    /// The instance's place; made if it is new.
    package mutating func ensureSlot(_ id: InstanceID) -> Slot {
        ensureSlot(app: id.app.map { app($0) } ?? -1, server: server(id.server))
    }

    mutating func ensureSlot(app: Int, server: Int) -> Slot {
        let key = Self.key(Int32(app), Int32(server))
        if let slot = slots[key] { return slot }
        var record = InstanceRecord()
        (record.app, record.server, record.flags) = (Int32(app), Int32(server), [.inUse])
        if !servers[server].exists { record.flags.insert(.orphaned) }
        let slot = place(record)
        slots[key] = slot
        servers[server].slots.insert(slot)
        if app >= 0 { apps[app].slots.insert(slot) }
        count(record, 1)
        return slot
    }

    private mutating func place(_ record: InstanceRecord) -> Slot {
        if let slot = free.popLast() {
            records[Int(slot.index)] = record
            return slot
        }
        records.append(record)
        return Slot(index: Int32(records.count - 1))
    }

    /// Forgets an instance that is neither wanted nor there.
    mutating func remove(_ slot: Slot) {
        let record = self[slot]
        guard record.flags.contains(.inUse) else { return }
        count(record, -1)
        slots[Self.key(record.app, record.server)] = nil
        servers[Int(record.server)].slots.remove(slot)
        if record.app >= 0 { apps[Int(record.app)].slots.remove(slot) }
        records[Int(slot.index)] = InstanceRecord()
        free.append(slot)
        afterChange(of: record)
    }

    package var allSlots: [Slot] { slots.values.sorted() }

    // Counting

    /// The only way in which a record changes: counts follow, and who waited is woken.
    mutating func change(_ slot: Slot, _ body: (inout InstanceRecord) -> Void) {
        let index = Int(slot.index)
        count(records[index], -1)
        body(&records[index])
        count(records[index], 1)
        afterChange(of: records[index])
    }

    private mutating func count(_ record: InstanceRecord, _ sign: Int) {
        guard record.app >= 0 else { return }
        apps[Int(record.app)].tally.count(record, sign, generation: apps[Int(record.app)].generation)
    }

    /// Counts an App's instances anew, because what they are counted against has changed.
    mutating func recount(app index: Int) {
        var tally = Tally()
        for slot in apps[index].slots { tally.count(self[slot], 1, generation: apps[index].generation) }
        apps[index].tally = tally
        afterChange(ofApp: index)
    }

    private mutating func afterChange(of record: InstanceRecord) {
        guard record.app >= 0 else {
            dirtyStatuses.insert(.server(record.server))
            return
        }
        afterChange(ofApp: Int(record.app))
    }

    // What came of it

    /// Instances to be looked at, each once in a while: duplicates are the queue's matter.
    package mutating func takeWanted() -> [Slot] {
        defer { wanted.removeAll(keepingCapacity: wanted.count < 4096) }
        return wanted
    }

    /// All statuses that may have changed, and some of those that were not looked at in this term.
    package mutating func takeDirtyStatuses(reviewing portion: Int) -> [StatusOwner] {
        dirtyStatuses.formUnion(unreviewed.suffix(portion))
        unreviewed.removeLast(min(portion, unreviewed.count))
        defer { dirtyStatuses.removeAll(keepingCapacity: true) }
        return Array(dirtyStatuses)
    }

    /// By server name, so that a roll-out goes the same way on every replica.
    func ordered(_ slots: Set<Slot>) -> [Slot] {
        slots.map { (name: servers[Int(self[$0].server)].name, slot: $0) }
            .sorted { ($0.name, $0.slot) < ($1.name, $1.slot) }
            .map(\.slot)
    }
}
