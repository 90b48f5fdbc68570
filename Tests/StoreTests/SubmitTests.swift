// A run goes onto a pool's queue while one of its servers leaves: nobody else would look there.

import Model
import Store
import TestRedis
import Testing

/// Its only server leaves the pool while a job is put there.
private struct LeavingStore: RunStore {
    let store: InMemoryStore
    let pool: Pool

    func enqueue(
        _ jobs: [RunJob], on queue: RunQueue, delay: Duration?, notBefore: Timestamp?, lease: Lease?
    ) async throws(StoreError) -> [Enqueued] {
        try await store.leave(pool, server: "server1")
        return try await store.enqueue(jobs, on: queue, delay: delay, notBefore: notBefore, lease: lease)
    }

    func turn(_ turn: RunTurn) async throws(StoreError) -> RunTurnReply { try await store.turn(turn) }
    func appendOutput(
        _ chunks: [String], of id: String, on queue: RunQueue, token: String
    ) async throws(StoreError) { try await store.appendOutput(chunks, of: id, on: queue, token: token) }
    func leave(_ pool: Pool, server: String) async throws(StoreError) { try await store.leave(pool, server: server) }
    func runs(on queue: RunQueue, limit: Int) async throws(StoreError) -> [RunRecord] {
        try await store.runs(on: queue, limit: limit)
    }
    func runs(_ ids: [String], on queue: RunQueue) async throws(StoreError) -> [RunRecord?] {
        try await store.runs(ids, on: queue)
    }
    func output(of id: String, on queue: RunQueue, after cursor: String?) async throws(StoreError) -> RunOutput {
        try await store.output(of: id, on: queue, after: cursor)
    }
    func cancel(_ id: String, on queue: RunQueue, lease: Lease?) async throws(StoreError) -> RunCancellation {
        try await store.cancel(id, on: queue, lease: lease)
    }
    func retry(_ id: String, on queue: RunQueue) async throws(StoreError) -> Bool {
        try await store.retry(id, on: queue)
    }
    func purge(_ ids: [String]?, on queue: RunQueue) async throws(StoreError) -> Int {
        try await store.purge(ids, on: queue)
    }
    func join(_ pool: Pool, servers: [String]) async throws(StoreError) { try await store.join(pool, servers: servers) }
    func members(of pool: Pool) async throws(StoreError) -> [String] { try await store.members(of: pool) }
    func pools() async throws(StoreError) -> [Pool] { try await store.pools() }
}

@Suite struct SubmitTests {
    @Test func `a server that leaves a pool just before a run comes there is called back`() async throws {
        let pool = try #require(webPool)
        let clock = ManualClock()
        let store = LeavingStore(store: InMemoryStore { clock.now }, pool: pool)
        try await store.join(pool, servers: ["server1"])
        _ = try await store.submit([(.pool(pool), [runJob("a")])], members: [pool: ["server1"]])
        #expect(try await store.members(of: pool) == ["server1"])
    }
}
