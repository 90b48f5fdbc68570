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
        let fleet = try await DesiredFleet(DesiredFleet.sources(known.readable), damaged: known.damaged, store: store)
        let existing = try await Fleet.instanceIDs(store)
        let ids = try chosen(Set(existing).union(fleet.instanceIDs).sorted())
        let context = try await InstanceContext(fleet, existing: existing, now: now, store: store)
        var report = DriftReport(now: now, keepsAll: keepsAll)
        let isWhole = try await Fleet.forEach(ids, in: store) { batch in
            for snapshot in batch { report.add(rows(snapshot, fleet, context, now)) }
        }
        report.isIncomplete = !isWhole || !known.damaged.isEmpty
        if withHistory { report.history = try await history(chosen: Set(ids)) }
        return report
    }

    private func chosen(_ ids: [InstanceID]) throws(CommandFailure) -> [InstanceID] {
        guard !names.isEmpty else { return ids }
        var wanted: Set<InstanceID> = []
        for name in names {
            let parts = name.split(separator: "/", maxSplits: 1).map(String.init)
            let kind = parts.count == 2 ? Reference.kind(named: parts[0]) : nil
            let plain = kind == nil ? name : parts[1]
            let some = ids.filter { id in
                switch kind {
                case .app: id.app == plain
                case .server: id.server == plain
                case .schedule: false
                case nil: id.description == plain || id.app == plain || id.server == plain
                }
            }
            guard !some.isEmpty else {
                let known = Set(ids.flatMap { [$0.description, $0.app ?? $0.server, $0.server] })
                throw Reference.missing(name, near: Nearest.name(to: plain, among: known))
            }
            wanted.formUnion(some)
        }
        return wanted.sorted()
    }

    private func history(chosen: Set<InstanceID>) async throws -> [RepairedDrift] {
        var repaired: [RepairedDrift] = []
        for server in try await Fleet.serverNames(store) {
            for (id, record) in try await store.driftHistory(server: server, limit: Self.historyOfServer)
            where names.isEmpty || chosen.contains(id) {
                repaired.append(RepairedDrift(instance: id, record: record))
            }
        }
        return repaired.sorted { ($0.record.repairedAt ?? $0.record.onset) > ($1.record.repairedAt ?? $1.record.onset) }
    }

    private func rows(
        _ snapshot: InstanceSnapshot, _ fleet: DesiredFleet, _ context: InstanceContext, _ now: Timestamp
    ) -> [DriftRow] {
        let resolution = fleet.resolution(snapshot.id)
        if case .waiting(let why)? = resolution { return waiting(snapshot, why, fleet, now) }
        var rows = DriftReporter.rows(context.input(snapshot, resolution), now: now)
        // What holds a step back in the controller (the budget) is in its own words there.
        guard let control = snapshot.control, control.phase == .waiting, !control.message.isEmpty else { return rows }
        for index in rows.indices where rows[index].state == .drifted && rows[index].action.hasPrefix("pending: ") {
            rows[index].action = "waiting: \(control.message)"
        }
        return rows
    }

    /// It cannot be said what it should be: what was reported of it is unknown, whatever it is.
    private func waiting(
        _ snapshot: InstanceSnapshot, _ why: String, _ fleet: DesiredFleet, _ now: Timestamp
    ) -> [DriftRow] {
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
