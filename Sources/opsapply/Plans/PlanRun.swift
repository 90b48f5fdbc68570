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
    private let now: Timestamp
    private(set) var report = PlanReport()
    /// What it was made from, once it ran.
    private(set) var basis = PlanBasis()
    private let storedGenerations: [ResourceKey: Int]
    /// The resources that the plan would write.
    let drafts: [PlannedResource]

    /// - Parameter given: nil for what is stored against what is observed.
    init(_ given: [ManifestResource]?, known: KnownResources, store: any OperationsStore) async throws {
        self.store = store
        now = try await store.now()
        let stored = DesiredFleet.sources(known.readable)
        storedGenerations = Dictionary(known.readable.map { ($0.key, $0.stored.generation) }) { first, _ in first }
        before = try await DesiredFleet(stored, damaged: known.damaged, store: store)
        guard let given else {
            (after, scope, drafts) = (before, .everything, [])
            report.isIncomplete = !known.damaged.isEmpty
            return
        }
        let generations = Dictionary(known.readable.map { ($0.key, $0.stored) }) { first, _ in first }
        var drafts: [PlannedResource] = []
        for resource in given {
            let stored = generations[resource.key]
            let tombstone = stored == nil ? try await store.tombstone(of: resource.key) : nil
            drafts.append(PlannedResource(resource, stored: stored, tombstone: tombstone))
        }
        self.drafts = drafts
        var sources = Dictionary(stored.map { ($0.manifest.key, $0) }) { first, _ in first }
        for draft in drafts {
            let confirmed = !draft.isChanged && (sources[draft.resource.key]?.isConfirmed ?? false)
            sources[draft.resource.key] = DesiredFleet.Source(
                manifest: draft.resource, generation: draft.generation, isConfirmed: confirmed)
            if draft.isChanged { report.resources[draft.resource.key] = draft.generation }
        }
        // To apply its manifest again is what cures a damaged one.
        let damaged = known.damaged.subtracting(drafts.map(\.resource.key))
        after = try await DesiredFleet(Array(sources.values), damaged: damaged, store: store)
        report.isIncomplete = !damaged.isEmpty
        scope = PlanScope(drafts)
    }

    /// Compares every instance in scope; keeps what differs. With `observing`, agents are asked for what is not known yet.
    mutating func run(observing: Bool) async throws {
        let existing = try await Fleet.instanceIDs(store)
        let context = try await InstanceContext(after, existing: existing, now: now, store: store)
        comparePlacements(existing, context)
        let ids = Set(existing).union(after.instanceIDs).filter(isInScope).sorted()
        noteBasis(of: ids)
        var items: [PlanItem] = []
        var revisions: [InstanceID: Int] = [:]
        var inputs: [InstanceID: ReconcileInput] = [:]
        var report = report
        let isWhole = try await Fleet.forEach(ids, in: store) { batch in
            for snapshot in batch {
                revisions[snapshot.id] = snapshot.observed?.revision ?? 0
                let resolution = after.resolution(snapshot.id)
                let snapshot = resolution == nil ? try await whole(snapshot) : snapshot
                let input = context.input(snapshot, resolution)
                guard let item = item(input, resolution) else { continue }
                guard !item.isUnchanged else {
                    report.add(item)
                    continue
                }
                items.append(item)
                inputs[item.instance] = input
            }
        }
        if observing { try await observe(&items, inputs) }
        for item in items { report.add(withContents(item)) }
        if !isWhole { report.isIncomplete = true }
        self.report = report
        basis.revisions = revisions
    }

    /// Which of the instances are desired, and the generations of all that says so.
    private mutating func noteBasis(of ids: [InstanceID]) {
        basis.placed = after.instanceIDs.intersection(ids)
        for key in drafts.map(\.resource.key) { basis.generations[key] = storedGenerations[key] ?? 0 }
        for id in ids {
            for key in [id.resource, ResourceKey(.server, id.server)] {
                basis.generations[key] = storedGenerations[key] ?? 0
            }
        }
    }

    /// A bulk read leaves out what was assigned; what is to be removed is told by it.
    private func whole(_ snapshot: InstanceSnapshot) async throws -> InstanceSnapshot {
        snapshot.control == nil ? snapshot : try await store.instance(snapshot.id)
    }

    private func isInScope(_ id: InstanceID) -> Bool {
        if scope.includes(id) { return true }
        // An App that no file names, whose placement moves because a Server's labels do.
        return before.instanceIDs(of: id.app).contains(id.server) != after.instanceIDs(of: id.app).contains(id.server)
    }

    private mutating func comparePlacements(_ existing: [InstanceID], _ context: InstanceContext) {
        var current: [String: Set<String>] = [:]
        for id in existing where !after.isDamaged(id) {
            if let app = id.app { current[app, default: []].insert(id.server) }
        }
        for (name, entry) in after.apps {
            let change = PlacementChange(current: current[name] ?? [], wanted: entry.servers)
            let isTouched = scope.includesApp(name) || before.apps[name]?.servers != entry.servers
            guard isTouched, !change.isEmpty else { continue }
            report.placements[name] = change
            report.brakes[name] = context.brakes[name]
        }
    }

    /// Nil if there is nothing to say about the instance at all.
    private func item(_ input: ReconcileInput, _ resolution: Resolution?) -> PlanItem? {
        if case .waiting(let why)? = resolution { return item(input, .waiting(why: why)) }
        guard input.desired != nil || input.assignment != nil || input.observed != nil else { return nil }
        let preview = PlanPreview(input, now: now)
        return item(input, preview.hold == .orphaned ? .orphaned : .preview(preview))
    }

    private func item(_ input: ReconcileInput, _ subject: PlanItem.Subject) -> PlanItem {
        PlanItem(
            instance: input.id, subject: subject, isNew: input.observed == nil, revision: input.observed?.revision ?? 0)
    }

    // MARK: what is not known yet

    private func observe(_ items: inout [PlanItem], _ inputs: [InstanceID: ReconcileInput]) async throws {
        var wanted: [InstanceID: DesiredInstance] = [:]
        for item in items where item.preview?.unobserved.isEmpty == false {
            guard let server = after.servers[item.instance.server], !server.isStale(at: now) else { continue }
            wanted[item.instance] = after.desired(item.instance)
        }
        guard !wanted.isEmpty else { return }
        let answers = try await Observation(store: store).ask(Array(wanted.values))
        for index in items.indices {
            let id = items[index].instance
            guard let desired = wanted[id], let fields = answers[id], var input = inputs[id] else { continue }
            var observed =
                input.observed
                ?? ObservedInstance(
                    id: id, revision: 0, generation: desired.generation, digest: desired.digest, reportedAt: now,
                    fields: [:])
            observed.fields.merge(fields) { _, new in new }
            input.observed = observed
            items[index].subject = .preview(PlanPreview(input, now: now))
        }
    }

    // MARK: contents

    private func withContents(_ item: PlanItem) -> PlanItem {
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
