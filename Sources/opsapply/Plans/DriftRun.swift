// Making the drift report: every instance through the reconciler, as the controller would put it.

internal import Manifests
internal import Model
internal import Output
internal import Reconcilers
internal import Store

struct DriftRun {
    /// Repaired drift that is read of each server.
    private static let historyOfServer = 100

    let store: any OperationsStore
    var names: [String]
    var keepsAll: Bool
    var withHistory: Bool

    func report() async throws -> DriftReport {
        let now = try await store.now()
        let known = try await Desired.stored(store)
        let sources = known.map {
            DesiredFleet.Source(
                manifest: $0.manifest, generation: $0.stored.generation,
                removalConfirmed: $0.stored.removalConfirmedGeneration == $0.stored.generation)
        }
        let fleet = try await DesiredFleet(sources, store: store)
        let authorities = try await authorities()
        let ids = try chosen(Set(try await Fleet.instanceIDs(store)).union(fleet.instanceIDs).sorted())
        let missing = try await missingDependencies(of: fleet)
        var report = DriftReport(now: now, keepsAll: keepsAll)
        try await Fleet.forEach(ids, in: store) { batch in
            for snapshot in batch {
                let context = InstanceContext(
                    fleet: fleet, authorities: authorities, missingDependencies: missing, now: now)
                report.add(context.rows(snapshot))
            }
        }
        if withHistory { report.history = try await history(fleet, chosen: Set(ids)) }
        return report
    }

    private func chosen(_ ids: [InstanceID]) throws(CommandFailure) -> [InstanceID] {
        guard !names.isEmpty else { return ids }
        var wanted: Set<InstanceID> = []
        for name in names {
            let plain = name.split(separator: "/").last.map(String.init) ?? name
            let some = ids.filter { $0.description == plain || $0.app == plain || $0.server == plain }
            guard !some.isEmpty else {
                let known = Set(ids.flatMap { [$0.description, $0.app ?? $0.server, $0.server] })
                throw Reference.missing(name, near: Nearest.name(to: plain, among: known))
            }
            wanted.formUnion(some)
        }
        return wanted.sorted()
    }

    private func authorities() async throws -> [ResourceKey: RemovalAuthority] {
        var authorities: [ResourceKey: RemovalAuthority] = [:]
        for kind in Kind.allCases {
            for tombstone in try await store.tombstones(kind) {
                authorities[tombstone.key] = .deleted(by: tombstone.deletedBy)
            }
        }
        return authorities
    }

    /// By App: the first dependency that does not have its condition.
    private func missingDependencies(of fleet: DesiredFleet) async throws -> [String: String] {
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

    private func history(_ fleet: DesiredFleet, chosen: Set<InstanceID>) async throws -> [RepairedDrift] {
        var repaired: [RepairedDrift] = []
        for server in fleet.servers.keys.sorted() {
            for (id, record) in try await store.driftHistory(server: server, limit: Self.historyOfServer)
            where names.isEmpty || chosen.contains(id) {
                repaired.append(RepairedDrift(instance: id, record: record))
            }
        }
        return repaired.sorted { ($0.record.repairedAt ?? $0.record.onset) > ($1.record.repairedAt ?? $1.record.onset) }
    }
}

/// What a reconcile of one instance needs beside its snapshot.
private struct InstanceContext {
    let fleet: DesiredFleet
    let authorities: [ResourceKey: RemovalAuthority]
    let missingDependencies: [String: String]
    let now: Timestamp

    func rows(_ snapshot: InstanceSnapshot) -> [DriftRow] {
        let resolution = fleet.resolution(snapshot.id)
        if case .waiting(let why)? = resolution { return waiting(snapshot, why) }
        var rows = DriftReporter.rows(input(snapshot), now: now)
        // What holds a step back in the controller (the budget, a brake) is in its own words there.
        guard let control = snapshot.control, control.phase == .waiting, !control.message.isEmpty else { return rows }
        for index in rows.indices where rows[index].state == .drifted && rows[index].action.hasPrefix("pending: ") {
            rows[index].action = "waiting: \(control.message)"
        }
        return rows
    }

    private func input(_ snapshot: InstanceSnapshot) -> ReconcileInput {
        let control = snapshot.control ?? InstanceControl()
        let id = snapshot.id
        return ReconcileInput(
            id: id, desired: fleet.desired(id), removal: removal(id), assignment: control.assignment,
            observed: snapshot.observed, openJob: control.openJob, round: control.round.round,
            roundEndedAt: control.round.endedAt, roundError: control.round.error,
            roundGeneration: control.round.generation, drift: control.drift, metDigest: control.metDigest,
            gates: Gates(
                suspension: fleet.suspension(of: id), missingDependency: id.app.flatMap { missingDependencies[$0] },
                serverStale: fleet.servers[id.server]?.isStale(at: now) ?? false))
    }

    private func removal(_ id: InstanceID) -> RemovalAuthority? {
        guard fleet.resolution(id) == nil else { return nil }
        if fleet.servers[id.server] == nil { return authorities[ResourceKey(.server, id.server)] }
        guard let app = id.app else { return .placementMoved(generation: 0) }
        if let entry = fleet.apps[app] { return .placementMoved(generation: entry.compiled.generation) }
        return authorities[ResourceKey(.app, app)]
    }

    /// It cannot be said what it should be: what was reported of it is unknown, whatever it is.
    private func waiting(_ snapshot: InstanceSnapshot, _ why: String) -> [DriftRow] {
        let observed = snapshot.observed
        let fields = snapshot.control?.assignment?.fields ?? []
        let keys = fields.isEmpty ? fleet.declaredFields(of: snapshot.id) : fields.map(\.key)
        return keys.map { key in
            DriftRow(
                instance: snapshot.id, field: key, desired: "unknown", observed: observed?.fields[key], state: .unknown,
                since: nil, cause: nil, age: observed.map { max(.zero, now - $0.reportedAt) }, action: "waiting: \(why)"
            )
        }
    }
}
