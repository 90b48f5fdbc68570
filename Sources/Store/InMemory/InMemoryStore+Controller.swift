// The controller's operations.

public import Model

extension InMemoryStore: LeaseStore {
    public func acquireLease(
        holder: String, nonce: String, ttl: Duration, mayPreempt: Bool
    ) throws(StoreError) -> LeaseAttempt {
        try run { state, now in
            state.acquire(holder: holder, nonce: nonce, ttl: ttl, mayPreempt: mayPreempt, now: now)
        }
    }

    public func renewLease(_ lease: Lease, ttl: Duration) throws(StoreError) {
        try run { state, now throws(StoreError) in try state.renew(lease, ttl: ttl, now: now) }
    }

    public func releaseLease(_ lease: Lease) throws(StoreError) {
        try run { state, _ in state.release(lease) }
    }

    public func seal(_ lease: Lease) throws(StoreError) {
        try run { state, _ throws(StoreError) in try state.seal(lease) }
    }

    public func leader() throws(StoreError) -> LeaseView? {
        try run { state, now in state.leader(now: now) }
    }

    public func refusedWrites() throws(StoreError) -> Int {
        try run { state, _ in state.shards.reduce(0) { $0 + $1.refused } }
    }

    public func openPresence(nonce: String) throws(StoreError) -> any PresenceSession {
        try run { state, _ in _ = state.presences.insert(nonce) }
        return InMemoryPresence(nonce: nonce, store: self)
    }

    func endPresence(_ nonce: String) { state.presences.remove(nonce) }
}

/// A presence line that ends when it is closed, as a leader's does when its process is gone.
actor InMemoryPresence: PresenceSession {
    private let nonce: String
    private let store: InMemoryStore
    private var isLost = false
    private var waiters: [CheckedContinuation<Void, Never>] = []

    init(nonce: String, store: InMemoryStore) {
        self.nonce = nonce
        self.store = store
    }

    func waitUntilLost() async {
        if isLost { return }
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                if isLost || Task.isCancelled { continuation.resume() } else { waiters.append(continuation) }
            }
        } onCancel: {
            Task { await self.wakeAll() }
        }
    }

    func close() async {
        isLost = true
        wakeAll()
        await store.endPresence(nonce)
    }

    private func wakeAll() {
        for waiter in waiters { waiter.resume() }
        waiters.removeAll()
    }
}

extension InMemoryStore: ResourceStore {
    public func apply(_ draft: ResourceDraft) throws(StoreError) -> ApplyResult {
        try run { state, now throws(StoreError) in try state.apply(draft, now: now) }
    }

    public func delete(_ key: ResourceKey, by person: String, expectedGeneration: Int?) throws(StoreError) -> Bool {
        try run { state, now throws(StoreError) in
            try state.delete(key, by: person, expectedGeneration: expectedGeneration, now: now)
        }
    }

    public func resource(_ key: ResourceKey) throws(StoreError) -> StoredResource? {
        try run { state, _ in state[resource: key]?.stored }
    }

    public func resources(_ kind: Kind) throws(StoreError) -> [StoredResource] {
        try run { state, _ in
            state.shards.flatMap { $0.resources.values }.map(\.stored).filter { $0.key.kind == kind }
                .sorted { $0.key < $1.key }
        }
    }

    public func resourceNames(_ kind: Kind) throws(StoreError) -> [String] {
        try resources(kind).map(\.key.name)
    }

    public func tombstones(_ kind: Kind) throws(StoreError) -> [Tombstone] {
        try run { state, _ in
            state.shards.flatMap { $0.tombstones.values }.filter { $0.key.kind == kind }.sorted { $0.key < $1.key }
        }
    }

    public func tombstone(of key: ResourceKey) throws(StoreError) -> Tombstone? {
        try run { state, _ in state.shards[key.shard].tombstones[key] }
    }

    public func blob(_ digest: String, of key: ResourceKey) throws(StoreError) -> [UInt8]? {
        try run { state, _ in state[resource: key]?.blobs[digest] }
    }

    public func confirmRemoval(of key: ResourceKey, generation: Int) throws(StoreError) {
        try run { state, _ throws(StoreError) in try state.confirmRemoval(of: key, generation: generation) }
    }

    public func raise(
        _ key: ResourceKey, generation: Int, above known: Int, by person: String
    ) throws(StoreError) -> Int {
        try run { state, now throws(StoreError) in
            try state.raise(key, generation: generation, above: known, by: person, now: now)
        }
    }

    public func absorbEdit(_ draft: ResourceDraft, lease: Lease) throws(StoreError) -> ApplyResult {
        try run { state, now throws(StoreError) in try state.absorbEdit(draft, lease: lease, now: now) }
    }

    public func refuseEdit(
        of key: ResourceKey, restoring config: [String: String], event: Event, lease: Lease
    ) throws(StoreError) {
        try run { state, _ throws(StoreError) in
            try state.refuseEdit(of: key, restoring: config, event: event, lease: lease)
        }
    }

    public func handEdits(shard: Int) throws(StoreError) -> [ResourceKey] {
        try run { state, _ in state.shards[shard].resources.filter(\.value.isEdited).keys.sorted() }
    }

    public func status(_ key: ResourceKey) throws(StoreError) -> ResourceStatus? {
        try run { state, _ in state[resource: key]?.status }
    }

    public func writeStatus(_ status: ResourceStatus, of key: ResourceKey, lease: Lease) throws(StoreError) {
        try run { state, _ throws(StoreError) in try state.writeStatus(status, of: key, lease: lease) }
    }
}
