// What the reconciler needs of one instance beside its snapshot, for `plan` and for `drift`: gathered as the controller
// gathers it, so that neither says anything that the controller would not do.

internal import Model
internal import Output
internal import Reconcilers
internal import Store

struct InstanceContext {
    private let fleet: DesiredFleet
    private let now: Timestamp
    private let tombstones: [ResourceKey: Tombstone]
    /// By App: the first dependency that does not have its condition.
    private let missingDependencies: [String: String]
    /// Apps whose removals wait for a person.
    let brakes: [String: (removing: Int, of: Int)]

    /// - Parameter existing: all instances that the store has.
    init(
        _ fleet: DesiredFleet, existing: [InstanceID], now: Timestamp, store: any OperationsStore
    ) async throws {
        self.fleet = fleet
        self.now = now
        var tombstones: [ResourceKey: Tombstone] = [:]
        for kind in Kind.allCases {
            for tombstone in try await store.tombstones(kind) { tombstones[tombstone.key] = tombstone }
        }
        self.tombstones = tombstones
        missingDependencies = try await Self.missingDependencies(of: fleet, store)
        brakes = Self.brakes(fleet, existing)
    }

    private static func missingDependencies(
        of fleet: DesiredFleet, _ store: any OperationsStore
    ) async throws -> [String: String] {
        var missing: [String: String] = [:]
        for (name, entry) in fleet.apps {
            for (dependency, condition) in entry.compiled.spec.dependsOn.sorted(by: { $0.key < $1.key }) {
                let status = try await store.status(ResourceKey(.app, dependency))
                let kind = Condition.Kind(rawValue: condition)
                guard kind.flatMap({ status?.condition($0)?.status }) != true else { continue }
                missing[name] = dependency
                break
            }
        }
        return missing
    }

    private static func brakes(
        _ fleet: DesiredFleet, _ existing: [InstanceID]
    ) -> [String: (removing: Int, of: Int)] {
        var counts: [String: (removing: Int, of: Int)] = [:]
        // As the controller counts: what is on a server that nobody declares waits for its agent, not for a person.
        for id in existing where fleet.servers[id.server] != nil && !fleet.isDamaged(id) {
            guard let name = id.app, let app = fleet.apps[name], !app.isConfirmed else { continue }
            counts[name, default: (0, 0)].of += 1
            if !app.servers.contains(id.server) { counts[name, default: (0, 0)].removing += 1 }
        }
        return counts.compactMapValues { RemovalBrake.brake(removing: $0.removing, of: $0.of) }
    }

    /// - Parameter resolution: what the fleet says of the instance; nil if it is not desired.
    func input(_ snapshot: InstanceSnapshot, _ resolution: Resolution?) -> ReconcileInput {
        let id = snapshot.id
        var gates = Gates(
            suspension: fleet.suspension(of: id),
            serverStale: fleet.servers[id.server]?.isSilent(at: now) ?? false)
        if resolution != nil {
            gates.missingDependency = id.app.flatMap { missingDependencies[$0] }
        } else if fleet.servers[id.server] != nil {
            gates.removalBrake = id.app.flatMap { brakes[$0] }
        }
        var desired: DesiredInstance?
        if case .resolved(let instance)? = resolution { desired = instance }
        return ReconcileInput(
            snapshot, desired: desired, removal: resolution == nil ? authority(snapshot) : nil, gates: gates)
    }

    /// Who says that an instance that is not desired may go.
    private func authority(_ snapshot: InstanceSnapshot) -> RemovalAuthority? {
        RemovalAuthority(
            resource: declaration(snapshot.id.resource), server: declaration(ResourceKey(.server, snapshot.id.server)),
            known: snapshot.knownGeneration)
    }

    private func declaration(_ key: ResourceKey) -> Declaration {
        if let generation = fleet.generation(of: key) { return .declared(generation: generation) }
        return tombstones[key].map { .deleted(by: $0.deletedBy, generation: $0.generation) } ?? .absent
    }
}
