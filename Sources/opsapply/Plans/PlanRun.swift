// Making a plan: which instances the given files touch, what each of them is and should be, and what nobody has looked at.

internal import Manifests
internal import Model
internal import Output
internal import Reconcilers
internal import Store

struct PlanRun {
    private let store: any OperationsStore
    /// As it is stored.
    private let before: DesiredFleet
    /// As it would be.
    private let after: DesiredFleet
    private let scope: PlanScope
    private let tombstones: Set<ResourceKey>
    private let now: Timestamp
    private(set) var report = PlanReport()
    /// The resources that the plan would write.
    let drafts: [PlannedResource]

    /// - Parameter given: nil for what is stored against what is observed.
    init(_ given: ManifestSet?, known: [KnownResource], store: any OperationsStore) async throws {
        self.store = store
        now = try await store.now()
        let stored = known.map {
            DesiredFleet.Source(
                manifest: $0.manifest, generation: $0.stored.generation,
                removalConfirmed: $0.stored.removalConfirmedGeneration == $0.stored.generation)
        }
        before = try await DesiredFleet(stored, store: store)
        guard let given else {
            (after, scope, drafts) = (before, .everything, [])
            tombstones = try await Self.tombstones(store)
            return
        }
        let generations = Dictionary(known.map { ($0.key, $0.stored) }) { first, _ in first }
        drafts = given.resources.map { PlannedResource($0, stored: generations[$0.key]) }
        var sources = Dictionary(stored.map { ($0.manifest.key, $0) }) { first, _ in first }
        for draft in drafts {
            let confirmed = !draft.isChanged && (sources[draft.resource.key]?.removalConfirmed ?? false)
            sources[draft.resource.key] = DesiredFleet.Source(
                manifest: draft.resource, generation: draft.generation, removalConfirmed: confirmed)
            if draft.isChanged { report.resources[draft.resource.key] = draft.generation }
        }
        after = try await DesiredFleet(Array(sources.values), store: store)
        scope = PlanScope(drafts)
        tombstones = []
    }

    private static func tombstones(_ store: any OperationsStore) async throws -> Set<ResourceKey> {
        var keys: Set<ResourceKey> = []
        for kind in Kind.allCases { keys.formUnion(try await store.tombstones(kind).map(\.key)) }
        return keys
    }

    /// Compares every instance in scope; keeps what differs. With `observing`, agents are asked for what is not known yet.
    mutating func run(observing: Bool) async throws {
        let existing = try await Fleet.instanceIDs(store)
        comparePlacements(existing)
        let ids = Set(existing).union(after.instanceIDs).filter(isInScope).sorted()
        var items: [PlanItem] = []
        var snapshots: [InstanceID: InstanceSnapshot] = [:]
        var report = report
        try await Fleet.forEach(ids, in: store) { batch in
            for snapshot in batch {
                guard let item = item(try await whole(snapshot)) else { continue }
                guard !item.isUnchanged else {
                    report.add(item)
                    continue
                }
                items.append(item)
                snapshots[item.instance] = snapshot
            }
        }
        if observing { try await observe(&items, snapshots) }
        for item in items { report.add(withContents(item, snapshots[item.instance]?.observed)) }
        self.report = report
    }

    /// A bulk read leaves out what was assigned; what is to be removed is told by it.
    private func whole(_ snapshot: InstanceSnapshot) async throws -> InstanceSnapshot {
        guard after.resolution(snapshot.id) == nil, snapshot.control != nil else { return snapshot }
        return try await store.instance(snapshot.id)
    }

    private func isInScope(_ id: InstanceID) -> Bool {
        if scope.includes(id) { return true }
        // An App that no file names, whose placement moves because a Server's labels do.
        return before.instanceIDs(of: id.app).contains(id.server) != after.instanceIDs(of: id.app).contains(id.server)
    }

    private mutating func comparePlacements(_ existing: [InstanceID]) {
        var current: [String: Set<String>] = [:]
        for id in existing { if let app = id.app { current[app, default: []].insert(id.server) } }
        for (name, entry) in after.apps {
            let change = PlacementChange(current: current[name] ?? [], wanted: entry.servers)
            let isTouched = scope.includesApp(name) || before.apps[name]?.servers != entry.servers
            guard isTouched, !change.isEmpty else { continue }
            report.placements[name] = change
            guard !entry.removalConfirmed, !change.removed.isEmpty else { continue }
            report.brakes[name] = RemovalBrake.brake(removing: change.removed.count, of: current[name]?.count ?? 0)
        }
    }

    /// Nil if there is nothing to say about the instance at all.
    private func item(_ snapshot: InstanceSnapshot) -> PlanItem? {
        let (id, observed) = (snapshot.id, snapshot.observed)
        switch after.resolution(id) {
        case .resolved(let desired)?:
            return item(id, observed, .preview(PlanPreview(desired: desired, observed: observed)))
        case .waiting(let why)?: return item(id, observed, .waiting(why: why))
        case nil:
            guard snapshot.control != nil || observed != nil else { return nil }
            guard mayGo(id) else { return item(id, observed, .orphaned) }
            let assignment = snapshot.control?.assignment
            return item(id, observed, .preview(PlanPreview(removing: id, assignment: assignment, observed: observed)))
        }
    }

    private func item(_ id: InstanceID, _ observed: ObservedInstance?, _ subject: PlanItem.Subject) -> PlanItem {
        PlanItem(instance: id, subject: subject, isNew: observed == nil, revision: observed?.revision ?? 0)
    }

    /// Its App is there and places it elsewhere, its Server is there and carries nothing, or a person deleted either.
    private func mayGo(_ id: InstanceID) -> Bool {
        guard after.servers[id.server] != nil else { return tombstones.contains(ResourceKey(.server, id.server)) }
        guard let app = id.app else { return true }
        return after.apps[app] != nil || tombstones.contains(ResourceKey(.app, app))
    }

    // MARK: what is not known yet

    private func observe(_ items: inout [PlanItem], _ snapshots: [InstanceID: InstanceSnapshot]) async throws {
        var wanted: [InstanceID: DesiredInstance] = [:]
        for item in items where item.preview?.unobserved.isEmpty == false {
            guard let server = after.servers[item.instance.server], !server.isStale(at: now) else { continue }
            wanted[item.instance] = after.desired(item.instance)
        }
        guard !wanted.isEmpty else { return }
        let answers = try await Observation(store: store).ask(Array(wanted.values))
        for index in items.indices {
            let id = items[index].instance
            guard let desired = wanted[id], let fields = answers[id] else { continue }
            var observed =
                snapshots[id]?.observed
                ?? ObservedInstance(
                    id: id, revision: 0, generation: desired.generation, digest: desired.digest, reportedAt: now,
                    fields: [:])
            observed.fields.merge(fields) { _, new in new }
            items[index].subject = .preview(PlanPreview(desired: desired, observed: observed))
        }
    }

    // MARK: contents

    private func withContents(_ item: PlanItem, _ observed: ObservedInstance?) -> PlanItem {
        guard let preview = item.preview else { return item }
        var item = item
        let last = before.desired(item.instance)
        for step in preview.steps where step.field.kind == .file {
            item.contents[step.field] = ContentChange(step, lastApplied: last?.file(step.field))
        }
        return item
    }
}

extension DesiredFleet {
    fileprivate func instanceIDs(of app: String?) -> Set<String> { app.flatMap { apps[$0]?.servers } ?? [] }
}

extension DesiredInstance {
    fileprivate func file(_ key: FieldKey) -> FileRender? {
        guard case .file(let render)? = fields.first(where: { $0.key == key })?.spec else { return nil }
        return render
    }
}
