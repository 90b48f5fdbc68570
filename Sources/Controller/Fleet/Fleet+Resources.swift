// Apps and Servers come, change and go; placement follows.

package import Model
package import Reconcilers
package import Store

/// A stored resource, read and compiled.
package enum CompiledResource: Sendable {
    case app(CompiledApp, StoredMark)
    case server(CompiledServer, StoredMark)
    /// It is there and cannot be read: nothing about it is touched until it can.
    case unreadable(ResourceKey, generation: Int, why: String)
    /// It is not there. Without a tombstone nobody said that it may go.
    case absent(ResourceKey, Tombstone?)
}

/// What is kept of a stored resource beside its compiled form.
package struct StoredMark: Sendable, Hashable {
    package var digest: String
    package var confirmed: Int?

    package init(digest: String, confirmed: Int?) {
        self.digest = digest
        self.confirmed = confirmed
    }
}

extension Fleet {
    /// Takes in what the store holds. Instances to look at are added to the wanted ones.
    package mutating func update(_ resources: [CompiledResource]) {
        var placementChanged: Set<Int> = []
        var serversChanged: Set<Int> = []
        for resource in resources {
            switch resource {
            case .app(let compiled, let mark):
                if let index = set(compiled, mark) { placementChanged.insert(index) }
            case .server(let compiled, let mark):
                if let index = set(compiled, mark) { serversChanged.insert(index) }
            case .unreadable(let key, let generation, let why):
                setUnreadable(key, generation, why)
            case .absent(let key, let tombstone):
                guard let index = setAbsent(key, tombstone) else { continue }
                if key.kind == .app { placementChanged.insert(index) } else { serversChanged.insert(index) }
            }
        }
        for index in apps.indices where !serversChanged.isEmpty && !placementChanged.contains(index) {
            place(app: index, onServers: serversChanged)
        }
        for index in placementChanged.sorted() { place(app: index) }
    }

    private mutating func set(_ compiled: CompiledApp, _ mark: StoredMark) -> Int? {
        let index = app(compiled.name)
        guard apps[index].take(compiled, generation: compiled.generation, mark) else { return nil }
        recount(app: index)
        wanted += ordered(apps[index].slots)
        return index
    }

    /// The server's index if its labels, or that it is there at all, are news.
    private mutating func set(_ compiled: CompiledServer, _ mark: StoredMark) -> Int? {
        let index = server(compiled.name)
        let labels = servers[index].compiled?.labels
        guard servers[index].take(compiled, generation: compiled.generation, mark) else { return nil }
        markOrphans(onServer: index)
        placeOwn(server: index)
        lookAtAll(onServer: index)
        return labels != compiled.labels ? index : nil
    }

    private mutating func setUnreadable(_ key: ResourceKey, _ generation: Int, _ why: String) {
        switch key.kind {
        case .app:
            let index = app(key.name)
            apps[index].takeProblem(why)
            dirtyStatuses.insert(.app(Int32(index)))
        case .server:
            let index = server(key.name)
            servers[index].takeProblem(why)
            markOrphans(onServer: index)
            dirtyStatuses.insert(.server(Int32(index)))
        case .schedule: break
        }
    }

    private mutating func setAbsent(_ key: ResourceKey, _ tombstone: Tombstone?) -> Int? {
        switch key.kind {
        case .app:
            let index = app(key.name)
            return apps[index].takeAbsence(tombstone) ? index : nil
        case .server:
            let index = server(key.name)
            guard servers[index].takeAbsence(tombstone) else { return nil }
            markOrphans(onServer: index)
            placeOwn(server: index)
            lookAtAll(onServer: index)
            return index
        case .schedule: return nil
        }
    }

    /// Everything that the store listed is here; what else was known is absent.
    package func missing(from listed: Set<ResourceKey>) -> [ResourceKey] {
        apps.lazy.filter(\.exists).map { ResourceKey(.app, $0.name) }.filter { !listed.contains($0) }
            + servers.lazy.filter(\.exists).map { ResourceKey(.server, $0.name) }.filter { !listed.contains($0) }
    }

    // Placement

    /// Places an App after some servers came, went, or changed their labels: without a count each server is a question of
    /// its own; with one all have to be weighed anew.
    private mutating func place(app index: Int, onServers changed: Set<Int>) {
        guard let placement = apps[index].compiled?.spec.placement else { return }
        switch placement {
        case .servers(let names):
            if changed.contains(where: { names.contains(servers[$0].name) }) { place(app: index) }
        case .selector(_, count: .some):
            place(app: index)
        case .selector(let selector, count: nil):
            for server in changed.sorted() {
                let labels = servers[server].compiled?.labels
                place(app: index, onServer: server, labels.map { Placer.selects(selector, $0) } ?? false)
            }
        }
    }

    private mutating func place(app index: Int, onServer server: Int, _ isWanted: Bool) {
        let known = slot(InstanceID(app: apps[index].name, server: servers[server].name))
        guard isWanted || known != nil else { return }
        let slot = known ?? ensureSlot(app: index, server: server)
        guard self[slot].flags.contains(.placed) != isWanted else { return }
        change(slot) { if isWanted { $0.flags.insert(.placed) } else { $0.flags.remove(.placed) } }
        wanted.append(slot)
    }

    private mutating func place(app index: Int) {
        let names = apps[index].compiled.map {
            Placer.place(app: $0.name, $0.spec.placement, servers: labelsOfServers($0.spec.placement))
        }
        let wantedServers = Set((names ?? []).map { server($0) })
        for slot in ordered(apps[index].slots) where self[slot].flags.contains(.placed) {
            if wantedServers.contains(Int(self[slot].server)) { continue }
            change(slot) { $0.flags.remove(.placed) }
        }
        for server in wantedServers.sorted(by: { servers[$0].name < servers[$1].name }) {
            let slot = ensureSlot(app: index, server: server)
            if self[slot].flags.contains(.placed) { continue }
            change(slot) { $0.flags.insert(.placed) }
            wanted.append(slot)
        }
        // Removals are decided last, when all counts that the brake looks at are final.
        wanted += ordered(apps[index].slots).filter { !self[$0].flags.contains(.placed) }
        dirtyStatuses.insert(.app(Int32(index)))
    }

    /// Only the servers that the placement can mean: a list of names needs no look at the rest.
    private func labelsOfServers(_ placement: Placement) -> [String: [String: String]] {
        var result: [String: [String: String]] = [:]
        switch placement {
        case .servers(let names):
            for name in names {
                if let compiled = server(named: name)?.compiled { result[name] = compiled.labels }
            }
        case .selector(let selector, _):
            for server in servers {
                guard let compiled = server.compiled, Placer.selects(selector, compiled.labels) else { continue }
                result[server.name] = compiled.labels
            }
        }
        return result
    }

    /// What the Server carries by itself: an instance of its own, once there is or was something.
    private mutating func placeOwn(server index: Int) {
        let name = servers[index].name
        let hasContent = servers[index].compiled?.hasContent ?? false
        guard hasContent || slot(InstanceID(app: nil, server: name)) != nil else {
            dirtyStatuses.insert(.server(Int32(index)))
            return
        }
        let slot = ensureSlot(app: -1, server: index)
        change(slot) { record in
            if hasContent { record.flags.insert(.placed) } else { record.flags.remove(.placed) }
        }
        dirtyStatuses.insert(.server(Int32(index)))
    }

    /// Follows whether the Server is declared.
    private mutating func markOrphans(onServer index: Int) {
        let isDeclared = servers[index].exists
        for slot in servers[index].slots where self[slot].flags.contains(.orphaned) == isDeclared {
            change(slot) { if isDeclared { $0.flags.remove(.orphaned) } else { $0.flags.insert(.orphaned) } }
        }
    }

    mutating func lookAtAll(onServer index: Int) { wanted += servers[index].slots.sorted() }

    // What agents say of their servers

    /// Takes in a monitor hash.
    package mutating func update(_ observed: ObservedServer) {
        let index = server(observed.name)
        let hadReported = servers[index].hasReported
        servers[index].hasReported = observed.reportedAt != nil
        dirtyStatuses.insert(.server(Int32(index)))
        guard servers[index].root != observed.root || hadReported != servers[index].hasReported else { return }
        if let root = observed.root { servers[index].root = root }
        lookAtAll(onServer: index)
    }

    /// Takes in which servers are silent, and since when: stale are those that an agent watches and whose interval says so.
    package mutating func setStale(_ silent: [String: Timestamp], at now: Timestamp) {
        for index in servers.indices {
            let isStale = servers[index].isStale(lastReport: silent[servers[index].name], at: now)
            guard servers[index].isStale != isStale else { continue }
            servers[index].isStale = isStale
            dirtyStatuses.insert(.server(Int32(index)))
            lookAtAll(onServer: index)
        }
    }
}
