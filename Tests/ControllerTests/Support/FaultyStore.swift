// A replica's way to the store, which a test can cut, drop calls on, or hold up: what a paused process looks like from the
// store's side is that its calls come late.

import Model
import Store
import Synchronization
import TestSeeds

final class FaultyStore: Sendable {
    private struct State {
        var numbers = SeededGenerator(seed: 0)
        /// Out of a thousand calls, how many are lost before, and how many after they were applied.
        var lostBefore = 0
        var lostAfter = 0
        var isPaused = false
        var isDead = false
        var lastCall: String?
        var paused: [CheckedContinuation<Void, Never>] = []
        var calls: [String: Int] = [:]
        var refused: [String: StoreError] = [:]
        var lines: [any PresenceSession] = []
        var connectionAge: Duration = .seconds(60)
    }

    private let base: any OperationsStore
    private let state = Mutex(State())

    init(_ base: any OperationsStore) {
        self.base = base
    }

    func dropCalls(before: Int, after: Int, seed: UInt64) {
        state.withLock { ($0.lostBefore, $0.lostAfter, $0.numbers) = (before, after, SeededGenerator(seed: seed)) }
    }

    /// From now on an operation throws this; nil ends that.
    func refuse(_ name: String, with error: StoreError?) { state.withLock { $0.refused[name] = error } }

    /// From now on calls wait before they reach the store.
    func pause() { state.withLock { $0.isPaused = true } }

    func resume() {
        let waiting = state.withLock { state in
            defer { (state.isPaused, state.paused) = (false, []) }
            return state.paused
        }
        for continuation in waiting { continuation.resume() }
    }

    /// Nothing reaches the store any more.
    func die() {
        state.withLock { $0.isDead = true }
        resume()
    }

    /// The next time that this operation is applied, its answer is lost, and nothing reaches the store any more.
    func die(after name: String) { state.withLock { $0.lastCall = name } }

    var isDead: Bool { state.withLock { $0.isDead } }

    /// What the store sees when the session connection is cut.
    func cutPresence() async {
        let lines = state.withLock { state in
            defer { state.lines = [] }
            return state.lines
        }
        for line in lines { await line.close() }
    }

    /// How often an operation was called since the last `resetCalls`.
    func calls(_ name: String) -> Int { state.withLock { $0.calls[name] ?? 0 } }
    var calls: [String: Int] { state.withLock { $0.calls } }
    func resetCalls() { state.withLock { $0.calls = [:] } }

    func call<Value: Sendable>(
        _ name: String = #function, _ body: (any OperationsStore) async throws(StoreError) -> Value
    ) async throws(StoreError) -> Value {
        await passPause()
        let operation = String(name.prefix { $0 != "(" })
        let (fate, refusal) = state.withLock { state in
            state.calls[operation, default: 0] += 1
            return (Int.random(in: 0..<1000, using: &state.numbers), state.refused[operation])
        }
        if let refusal { throw refusal }
        let (before, after) = state.withLock { ($0.lostBefore, $0.lostAfter) }
        if state.withLock({ $0.isDead }) { throw .unavailable("dead") }
        if fate < before { throw .unavailable("dropped by the test") }
        let value = try await body(base)
        if state.withLock({ $0.lastCall == operation }) {
            die()
            throw .indeterminate("dead")
        }
        if fate < before + after { throw .indeterminate("answer dropped by the test") }
        return value
    }

    private func passPause() async {
        await withCheckedContinuation { continuation in
            let goesOn = state.withLock { state in
                if state.isPaused { state.paused.append(continuation) }
                return !state.isPaused
            }
            if goesOn { continuation.resume() }
        }
    }
}

private final class SnapshotList: Sendable {
    private let list = Mutex<[InstanceSnapshot]>([])

    func add(_ snapshot: InstanceSnapshot) { list.withLock { $0.append(snapshot) } }
    var all: [InstanceSnapshot] { list.withLock { $0 } }
}

extension FaultyStore: LeaseStore {
    func acquireLease(
        holder: String, nonce: String, ttl: Duration, mayPreempt: Bool
    ) async throws(StoreError) -> LeaseAttempt {
        try await call { store throws(StoreError) in
            try await store.acquireLease(holder: holder, nonce: nonce, ttl: ttl, mayPreempt: mayPreempt)
        }
    }
    func renewLease(_ lease: Lease, ttl: Duration) async throws(StoreError) {
        try await call { store throws(StoreError) in try await store.renewLease(lease, ttl: ttl) }
    }
    func releaseLease(_ lease: Lease) async throws(StoreError) {
        try await call { store throws(StoreError) in try await store.releaseLease(lease) }
    }
    func openPresence(nonce: String) async throws(StoreError) -> any PresenceSession {
        let line = try await call { store throws(StoreError) in try await store.openPresence(nonce: nonce) }
        state.withLock { $0.lines.append(line) }
        return line
    }
    func seal(_ lease: Lease) async throws(StoreError) {
        try await call { store throws(StoreError) in try await store.seal(lease) }
    }
    func leader() async throws(StoreError) -> LeaseView? {
        try await call { store throws(StoreError) in try await store.leader() }
    }
    func refusedWrites() async throws(StoreError) -> Int {
        try await call { store throws(StoreError) in try await store.refusedWrites() }
    }
    func connectionAge() async -> Duration { state.withLock { $0.connectionAge } }
}

extension FaultyStore: ResourceStore {
    func apply(_ draft: ResourceDraft) async throws(StoreError) -> ApplyResult {
        try await call { store throws(StoreError) in try await store.apply(draft) }
    }
    func delete(_ key: ResourceKey, by: String, expectedGeneration: Int?) async throws(StoreError) -> Bool {
        try await call { store throws(StoreError) in
            try await store.delete(key, by: by, expectedGeneration: expectedGeneration)
        }
    }
    func resource(_ key: ResourceKey) async throws(StoreError) -> StoredResource? {
        try await call { store throws(StoreError) in try await store.resource(key) }
    }
    func resources(_ kind: Kind) async throws(StoreError) -> [StoredResource] {
        try await call { store throws(StoreError) in try await store.resources(kind) }
    }
    func tombstone(of key: ResourceKey) async throws(StoreError) -> Tombstone? {
        try await call { store throws(StoreError) in try await store.tombstone(of: key) }
    }
    func tombstones(_ kind: Kind) async throws(StoreError) -> [Tombstone] {
        try await call { store throws(StoreError) in try await store.tombstones(kind) }
    }
    func blob(_ digest: String, of key: ResourceKey) async throws(StoreError) -> [UInt8]? {
        try await call { store throws(StoreError) in try await store.blob(digest, of: key) }
    }
    func confirmRemoval(of key: ResourceKey, generation: Int) async throws(StoreError) {
        try await call { store throws(StoreError) in try await store.confirmRemoval(of: key, generation: generation) }
    }
    func raise(
        _ key: ResourceKey, generation: Int, above known: Int, by person: String
    ) async throws(StoreError) -> Int {
        try await call { store throws(StoreError) in
            try await store.raise(key, generation: generation, above: known, by: person)
        }
    }
    func absorbEdit(_ draft: ResourceDraft, lease: Lease) async throws(StoreError) -> ApplyResult {
        try await call { store throws(StoreError) in try await store.absorbEdit(draft, lease: lease) }
    }
    func refuseEdit(
        of key: ResourceKey, restoring config: [String: String], event: Event, lease: Lease
    ) async throws(StoreError) {
        try await call { store throws(StoreError) in
            try await store.refuseEdit(of: key, restoring: config, event: event, lease: lease)
        }
    }
    func handEdits(shard: Int) async throws(StoreError) -> [ResourceKey] {
        try await call { store throws(StoreError) in try await store.handEdits(shard: shard) }
    }
    func status(_ key: ResourceKey) async throws(StoreError) -> ResourceStatus? {
        try await call { store throws(StoreError) in try await store.status(key) }
    }
    func writeStatus(_ status: ResourceStatus, of key: ResourceKey, lease: Lease) async throws(StoreError) {
        try await call { store throws(StoreError) in try await store.writeStatus(status, of: key, lease: lease) }
    }
}

extension FaultyStore: InstanceStore {
    func instance(_ id: InstanceID) async throws(StoreError) -> InstanceSnapshot {
        try await call { store throws(StoreError) in try await store.instance(id) }
    }
    func instances(
        _ ids: [InstanceID], assignments: AssignmentDetail, _ handle: @escaping @Sendable (InstanceSnapshot) -> Void
    ) async throws(StoreError) {
        let read = SnapshotList()
        try await call { store throws(StoreError) in
            try await store.instances(ids, assignments: assignments) { read.add($0) }
        }
        for snapshot in read.all { handle(snapshot) }
    }
    func visitObserved<Visitor: ObservedVisitor>(
        _ ids: [InstanceID], _ visitor: Visitor
    ) async throws(StoreError) -> Visitor {
        try await call { store throws(StoreError) in try await store.visitObserved(ids, visitor) }
    }
    func instanceIDs(shard: Int) async throws(StoreError) -> [InstanceID] {
        try await call { store throws(StoreError) in try await store.instanceIDs(shard: shard) }
    }
    func summaries(shard: Int) async throws(StoreError) -> [InstanceSummary] {
        try await call { store throws(StoreError) in try await store.summaries(shard: shard) }
    }
    func commit(_ commit: InstanceCommit, lease: Lease) async throws(StoreError) {
        try await call { store throws(StoreError) in try await store.commit(commit, lease: lease) }
    }
    func driftHistory(server: String, limit: Int) async throws(StoreError) -> [(InstanceID, DriftRecord)] {
        try await call { store throws(StoreError) in try await store.driftHistory(server: server, limit: limit) }
    }
    func events(limit: Int) async throws(StoreError) -> [Event] {
        try await call { store throws(StoreError) in try await store.events(limit: limit) }
    }
    func record(_ event: Event, lease: Lease?) async throws(StoreError) {
        try await call { store throws(StoreError) in try await store.record(event, lease: lease) }
    }
}

extension FaultyStore: QueueStore {
    func jobs(server: String, limit: Int) async throws(StoreError) -> [JobRecord] {
        try await call { store throws(StoreError) in try await store.jobs(server: server, limit: limit) }
    }
    func job(server: String, id: String) async throws(StoreError) -> JobRecord? {
        try await call { store throws(StoreError) in try await store.job(server: server, id: id) }
    }
    func enqueueObserve(_ job: Job) async throws(StoreError) {
        try await call { store throws(StoreError) in try await store.enqueueObserve(job) }
    }
    func retry(_ id: InstanceID) async throws(StoreError) -> Bool {
        try await call { store throws(StoreError) in try await store.retry(id) }
    }

    func cancel(server: String, id: String) async throws(StoreError) -> Bool {
        try await call { store throws(StoreError) in try await store.cancel(server: server, id: id) }
    }
}

extension FaultyStore: FeedStore {
    func feedEnd() async throws(StoreError) -> FeedCursor {
        try await call { store throws(StoreError) in try await store.feedEnd() }
    }
    func changes(after cursor: FeedCursor, shards: [Int]?, limit: Int) async throws(StoreError) -> FeedBatch {
        try await call { store throws(StoreError) in
            try await store.changes(after: cursor, shards: shards, limit: limit)
        }
    }
    func hints() async throws(StoreError) -> AsyncStream<Int> {
        try await call { store throws(StoreError) in try await store.hints() }
    }
    func silentServers(before: Timestamp) async throws(StoreError) -> [String: Timestamp] {
        try await call { store throws(StoreError) in try await store.silentServers(before: before) }
    }
    func observedServer(_ name: String) async throws(StoreError) -> ObservedServer? {
        try await call { store throws(StoreError) in try await store.observedServer(name) }
    }
    func observedServers(_ names: [String]) async throws(StoreError) -> [ObservedServer] {
        try await call { store throws(StoreError) in try await store.observedServers(names) }
    }
    func collectorHash(_ name: String) async throws(StoreError) -> [String: String] {
        try await call { store throws(StoreError) in try await store.collectorHash(name) }
    }
    func now() async throws(StoreError) -> Timestamp {
        try await call { store throws(StoreError) in try await store.now() }
    }
}
