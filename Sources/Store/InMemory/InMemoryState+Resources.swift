// Desired hashes.

internal import Model

extension InMemoryState {
    subscript(resource key: ResourceKey) -> DesiredEntry? {
        get { shards[key.shard].resources[key] }
        _modify { yield &shards[key.shard].resources[key] }
    }

    mutating func apply(_ draft: ResourceDraft, now: Timestamp) throws(StoreError) -> ApplyResult {
        let entry = self[resource: draft.key]
        try Self.check(draft.expectedGeneration, found: entry?.stored.generation)
        if let entry, entry.stored.digest == draft.digest, !entry.isEdited {
            setReportInterval(draft.reportInterval, of: draft.key, now: now)
            setLabels(draft)
            return ApplyResult(change: .unchanged, generation: entry.stored.generation)
        }
        return write(draft, what: "applied", now: now)
    }

    mutating func absorbEdit(_ draft: ResourceDraft, lease: Lease, now: Timestamp) throws(StoreError) -> ApplyResult {
        try checkFence(lease, shard: draft.key.shard)
        guard let entry = self[resource: draft.key] else { throw .notFound("\(draft.key)") }
        try Self.check(draft.expectedGeneration, found: entry.stored.generation)
        guard entry.stored.config == draft.config else { throw .conflict(found: "other config entries") }
        return write(draft, what: "edited", now: now)
    }

    mutating func refuseEdit(
        of key: ResourceKey, restoring config: [String: String], event: Event, lease: Lease
    ) throws(StoreError) {
        try checkFence(lease, shard: key.shard)
        guard let entry = self[resource: key] else { throw .notFound("\(key)") }
        guard entry.appliedConfig == config else { throw .conflict(found: "generation \(entry.stored.generation)") }
        self[resource: key]?.stored.config = config
        addEvents([event], shard: key.shard)
        addChange(.resource(key), "edited", shard: key.shard)
    }

    private static func check(_ expected: Int?, found: Int?) throws(StoreError) {
        guard let expected, expected != found ?? 0 else { return }
        throw .conflict(found: found.map { "generation \($0)" } ?? "nothing")
    }

    private mutating func write(_ draft: ResourceDraft, what: String, now: Timestamp) -> ApplyResult {
        let key = draft.key
        let before = self[resource: key]
        let tombstone = shards[key.shard].tombstones.removeValue(forKey: key)
        let generation = max(before?.stored.generation ?? 0, tombstone?.generation ?? 0) + 1
        let stored = StoredResource(
            key: key, generation: generation, digest: draft.digest, manifest: draft.manifest, config: draft.config,
            appliedBy: draft.appliedBy, appliedAt: now,
            removalConfirmedGeneration: before?.stored.removalConfirmedGeneration)
        let history = Self.history(before?.history ?? [], and: draft.manifest)
        let blobs = (before?.blobs ?? [:]).merging(draft.blobs) { $1 }
            .filter { blob in history.contains { $0.contains(blob.key) } }
        self[resource: key] = DesiredEntry(
            stored: stored, appliedConfig: draft.config, history: history, blobs: blobs, status: before?.status)
        setReportInterval(draft.reportInterval, of: key, now: now)
        setLabels(draft)
        addChange(.resource(key), what, shard: key.shard)
        return ApplyResult(change: before == nil ? .created : .configured, generation: generation)
    }

    private static func history(_ before: [String], and manifest: String) -> [String] {
        Array((before + [manifest]).suffix(StoreBounds.historyEntries))
    }

    mutating func delete(
        _ key: ResourceKey, by person: String, expectedGeneration: Int?, now: Timestamp
    ) throws(StoreError) -> Bool {
        guard let entry = self[resource: key] else { return false }
        try Self.check(expectedGeneration, found: entry.stored.generation)
        self[resource: key] = nil
        if key.kind == .server { shards[key.shard].servers[key.name]?.heartbeat = nil }
        shards[key.shard].tombstones[key] = Tombstone(
            key: key, generation: entry.stored.generation, deletedBy: person, deletedAt: now)
        let same = shards[key.shard].tombstones.values.filter { $0.key.kind == key.kind }
        if same.count > StoreBounds.tombstones, let oldest = same.min(by: { $0.deletedAt < $1.deletedAt }) {
            shards[key.shard].tombstones[oldest.key] = nil
        }
        setReportInterval(nil, of: key, now: now)
        if key.kind == .server { labelsOf[key.name] = nil }
        if key.kind == .schedule { schedules[key.name] = nil }
        addChange(.resource(key), "deleted", shard: key.shard)
        return true
    }

    /// What the agent of a Server is told of its Server.
    private mutating func setReportInterval(_ interval: Duration?, of key: ResourceKey, now: Timestamp) {
        guard key.kind == .server, self[server: key.name].reportInterval != interval else { return }
        self[server: key.name].reportInterval = interval
        moveAssignments(of: key.name, now: now)
    }

    private mutating func setLabels(_ draft: ResourceDraft) {
        guard draft.key.kind == .server, let labels = draft.labels else { return }
        labelsOf[draft.key.name] = labels
    }

    mutating func confirmRemoval(of key: ResourceKey, generation: Int) throws(StoreError) {
        guard let entry = self[resource: key] else { throw .notFound("\(key)") }
        try Self.check(generation, found: entry.stored.generation)
        self[resource: key]?.stored.removalConfirmedGeneration = generation
        addChange(.resource(key), "confirmed", shard: key.shard)
    }

    mutating func raise(
        _ key: ResourceKey, generation: Int, above known: Int, by person: String, now: Timestamp
    ) throws(StoreError) -> Int {
        guard let entry = self[resource: key] else { throw .notFound("\(key)") }
        try Self.check(generation, found: entry.stored.generation)
        let raised = max(generation, known) + 1
        self[resource: key]?.stored.generation = raised
        self[resource: key]?.stored.appliedBy = person
        self[resource: key]?.stored.appliedAt = now
        self[resource: key]?.history = Self.history(entry.history, and: entry.stored.manifest)
        addChange(.resource(key), "raised", shard: key.shard)
        return raised
    }

    mutating func writeStatus(_ status: ResourceStatus, of key: ResourceKey, lease: Lease) throws(StoreError) {
        try checkFence(lease, shard: key.shard)
        guard self[resource: key] != nil else { throw .notFound("\(key)") }
        self[resource: key]?.status = status
    }
}
