// What every instance should be, as the controller would say it: the resources compiled, the servers with what their agents
// reported, and the placements. The same values as the controller's, from the same pure functions.

internal import Manifests
internal import Model
internal import Output
internal import Reconcilers
internal import Store

struct DesiredFleet {
    struct ServerEntry {
        var compiled: CompiledServer
        var observed: ObservedServer?

        var root: String? { observed?.root }

        /// Whether there is no use in asking its agent.
        func isStale(at now: Timestamp) -> Bool {
            observed.map { $0.isStale(every: compiled.spec.monitor.every, at: now) } ?? true
        }

        /// Whether its agent fell silent: what it reported is unknown now. Of one that never reported nothing is known
        /// anyway, and what another collector watches is not judged by reports.
        func isSilent(at now: Timestamp) -> Bool {
            compiled.spec.monitor.hash == nil && observed != nil && isStale(at: now)
        }
    }

    struct AppEntry {
        var compiled: CompiledApp
        /// A person agreed to this very generation.
        var isConfirmed: Bool
        /// The servers that it is placed on.
        var servers: Set<String>
    }

    private(set) var apps: [String: AppEntry] = [:]
    private(set) var servers: [String: ServerEntry] = [:]
    /// Stored and not readable: nothing is said of what they declare, as the controller touches nothing of it.
    private let damaged: Set<ResourceKey>

    /// A resource and what it is compiled from.
    struct Source {
        var manifest: ManifestResource
        var generation: Int
        var isConfirmed = false
    }

    /// What is stored.
    static func sources(_ known: [KnownResource]) -> [Source] {
        known.map {
            Source(
                manifest: $0.manifest, generation: $0.stored.generation,
                isConfirmed: $0.stored.removalConfirmedGeneration == $0.stored.generation)
        }
    }

    init(_ sources: [Source], damaged: Set<ResourceKey>, store: any OperationsStore) async throws {
        self.damaged = damaged
        var blobs: [ResourceKey: [String: [UInt8]]] = [:]
        for source in sources { blobs[source.manifest.key] = try await Self.blobs(of: source.manifest, in: store) }
        let names = sources.filter { $0.manifest.kind == .server }.map(\.manifest.metadata.name)
        var observed: [String: ObservedServer] = [:]
        for server in try await store.observedServers(names) { observed[server.name] = server }
        for source in sources {
            guard let spec = source.manifest.server else { continue }
            let metadata = source.manifest.metadata
            servers[metadata.name] = ServerEntry(
                compiled: CompiledServer(
                    name: metadata.name, labels: metadata.labels, spec: spec, generation: source.generation,
                    blobs: blobs[source.manifest.key] ?? [:]),
                observed: observed[metadata.name])
        }
        let labels = servers.mapValues(\.compiled.labels)
        for source in sources {
            guard let spec = source.manifest.app else { continue }
            let metadata = source.manifest.metadata
            apps[metadata.name] = AppEntry(
                compiled: CompiledApp(
                    name: metadata.name, labels: metadata.labels, spec: spec, generation: source.generation,
                    blobs: blobs[source.manifest.key] ?? [:]),
                isConfirmed: source.isConfirmed,
                servers: Set(Placer.place(app: metadata.name, spec.placement, servers: labels)))
        }
    }

    /// What an instance should be; nil if it is not desired.
    func resolution(_ id: InstanceID) -> Resolution? {
        if let damaged = damaged(id) { return .waiting(why: "\(damaged) cannot be read") }
        guard let server = servers[id.server] else { return nil }
        guard let name = id.app else {
            return server.compiled.hasContent ? server.compiled.resolve(root: server.root) : nil
        }
        guard let app = apps[name], app.servers.contains(id.server) else { return nil }
        return app.compiled.resolve(on: server.compiled.facts(root: server.root))
    }

    func isDamaged(_ id: InstanceID) -> Bool { damaged(id) != nil }

    private func damaged(_ id: InstanceID) -> ResourceKey? {
        damaged.isEmpty ? nil : [id.resource, ResourceKey(.server, id.server)].first(where: damaged.contains)
    }

    /// The instance as it should be, if that can be said.
    func desired(_ id: InstanceID) -> DesiredInstance? {
        if case .resolved(let desired)? = resolution(id) { desired } else { nil }
    }

    /// The fields that an instance's manifest declares, whatever their values will be.
    func declaredFields(of id: InstanceID) -> [FieldKey] {
        guard let name = id.app else { return servers[id.server]?.compiled.spec.content.fieldKeys ?? [] }
        return apps[name]?.compiled.spec.workload(on: id.server).fieldKeys ?? []
    }

    /// Every instance that is desired.
    var instanceIDs: Set<InstanceID> {
        var ids: Set<InstanceID> = []
        for (name, entry) in apps { for server in entry.servers { ids.insert(InstanceID(app: name, server: server)) } }
        for (name, entry) in servers where entry.compiled.hasContent { ids.insert(InstanceID(app: nil, server: name)) }
        return ids
    }

    /// nil if there is no such resource.
    func generation(of key: ResourceKey) -> Int? {
        switch key.kind {
        case .app: apps[key.name]?.compiled.generation
        case .server: servers[key.name]?.compiled.generation
        case .schedule: nil
        }
    }

    func suspension(of id: InstanceID) -> Suspension? {
        Suspension.last(
            id.app.flatMap { apps[$0]?.compiled.spec.suspend }, servers[id.server]?.compiled.spec.suspend)
    }

    /// The contents that a manifest needs: its own, or from the store where it was read from there.
    private static func blobs(
        of manifest: ManifestResource, in store: any OperationsStore
    ) async throws -> [String: [UInt8]] {
        var blobs = manifest.blobs
        for digest in manifest.blobDigests where blobs[digest] == nil {
            blobs[digest] = try await store.blob(digest, of: manifest.key)
        }
        return blobs
    }
}

extension ManifestResource {
    /// The digests of all contents that its files name.
    fileprivate var blobDigests: Set<String> {
        let workloads: [Workload] =
            switch spec {
            case .app(let spec): [spec.content] + spec.overrides.values
            case .server(let spec): [spec.content]
            case .schedule: []
            }
        var digests: Set<String> = []
        for workload in workloads {
            for file in workload.files.values {
                if case .blob(let digest, _) = file.content { digests.insert(digest) }
            }
        }
        return digests
    }
}

extension Workload {
    /// In the order of steps.
    fileprivate var fieldKeys: [FieldKey] {
        let names: [(FieldKind, [String])] = [
            (.config, Array(config.keys)), (.package, Array(packages.keys)), (.directory, Array(directories.keys)),
            (.file, Array(files.keys)), (.command, Array(commands.keys)), (.service, Array(services.keys)),
            (.health, Array(health.keys)),
        ]
        return names.flatMap { kind, names in names.map { FieldKey(kind, $0) } }.sorted()
    }
}
