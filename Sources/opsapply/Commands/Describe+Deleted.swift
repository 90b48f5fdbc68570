// `describe` of what a person deleted, as long as something of it is still on servers.

internal import Model
internal import Output
internal import Store

extension Describe {
    /// Returns whether the name is that of a deleted resource that is not all gone yet.
    func describeDeleted(_ store: any OperationsStore, _ now: Timestamp) async throws -> Bool {
        let parts = name.split(separator: "/", maxSplits: 1).map(String.init)
        let kinds = parts.count == 2 ? Reference.kind(named: parts[0]).map { [$0] } ?? [] : Kind.allCases
        let keys = kinds.map { ResourceKey($0, parts.last ?? name) }
        for key in keys where try await Desired.resource(key, in: store) != nil { return false }
        for key in keys {
            guard let tombstone = try await store.tombstone(of: key) else { continue }
            let ids = try await Fleet.instanceIDs(store).filter { id in
                id.resource == key || key == ResourceKey(.server, id.server)
            }
            guard !ids.isEmpty else { continue }
            let left = DeletedDescription(
                tombstone: tombstone, instances: try await Fleet.snapshots(ids, in: store),
                servers: try await store.observedServers(Set(ids.map(\.server)).sorted()))
            switch output {
            case .table: Console.out(left.text(now: now, Console.paint))
            case .json: Console.out(left.document)
            }
            return true
        }
        return false
    }
}
