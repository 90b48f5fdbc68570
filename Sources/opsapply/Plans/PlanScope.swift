// What a plan is about: the resources that were given, and the instances of others on servers that change.

internal import Manifests
internal import Model
internal import Store

/// A resource that a plan would write.
struct PlannedResource {
    var resource: ManifestResource
    /// 0: not stored yet.
    var storedGeneration: Int
    var isChanged: Bool
    /// The generation that it would get.
    var generation: Int

    /// - Parameter tombstone: of a deleted one, which goes on from the generation that it had.
    init(_ resource: ManifestResource, stored: StoredResource?, tombstone: Tombstone?) {
        self.resource = resource
        storedGeneration = stored?.generation ?? 0
        isChanged = stored?.digest != resource.digest
        generation = isChanged ? max(storedGeneration, tombstone?.generation ?? 0) + 1 : storedGeneration
    }
}

enum PlanScope {
    case everything
    case some(given: Set<ResourceKey>, changedServers: Set<String>)

    init(_ drafts: [PlannedResource]) {
        let servers = drafts.filter { $0.isChanged && $0.resource.kind == .server }.map(\.resource.metadata.name)
        self = .some(given: Set(drafts.map(\.resource.key)), changedServers: Set(servers))
    }

    func includes(_ id: InstanceID) -> Bool {
        switch self {
        case .everything: true
        case .some(let given, let servers): given.contains(id.resource) || servers.contains(id.server)
        }
    }

    func includesApp(_ name: String) -> Bool {
        switch self {
        case .everything: true
        case .some(let given, _): given.contains(ResourceKey(.app, name))
        }
    }
}
