// A store that may be away when the agent starts. The agent runs from its first moment, because services must be watched
// over whether or not Redis is there; until a connection stands, every operation says `unavailable`, as it does later
// when Redis goes.

import Model
import Redis
import RedisStore
import Store
import Synchronization

final class LateStore: AgentStore, RunQueueStore {
    private struct State {
        var store: RedisStore?
        var why = "not connected yet"
    }

    /// The longest wait between two tries to connect.
    private static let longestWait: Duration = .seconds(1)
    private static let firstWait: Duration = .milliseconds(50)

    private let url: String
    private let prefix: String
    private let clientName: String
    private let state = Mutex(State())

    init(url: String, prefix: String, clientName: String) {
        self.url = url
        self.prefix = prefix
        self.clientName = clientName
    }

    /// Connects, however long that takes; ends with the task.
    func connect(on threads: RedisThreads) async {
        var wait = Self.firstWait
        while !Task.isCancelled {
            do throws(StoreError) {
                let store = try await RedisStore.connect(
                    url: url, prefix: prefix, on: threads, clientName: clientName)
                return state.withLock { $0.store = store }
            } catch {
                state.withLock { $0.why = "\(error)" }
                if case .unavailable(let why) = error { state.withLock { $0.why = why } }
            }
            try? await Task.sleep(for: wait)
            wait = min(wait * 2, Self.longestWait)
        }
    }

    func close() async {
        await state.withLock { $0.store }?.close()
    }

    private var store: RedisStore {
        get throws(StoreError) {
            let (store, why) = state.withLock { ($0.store, $0.why) }
            guard let store else { throw .unavailable(why) }
            return store
        }
    }

    func report(_ report: ServerReport) async throws(StoreError) -> Int { try await store.report(report) }

    func report(_ report: InstanceReport) async throws(StoreError) -> Int { try await store.report(report) }

    func assignments(server: String) async throws(StoreError) -> AssignmentList {
        try await store.assignments(server: server)
    }

    func claim(
        server: String, token: String, limit: Int, lease: Duration, boot: Bool, agent: AgentIdentity?
    ) async throws(StoreError) -> ClaimReply {
        try await store.claim(
            server: server, token: token, limit: limit, lease: lease, boot: boot, agent: agent)
    }

    func heartbeat(
        server: String, ids: [String], token: String, lease: Duration
    ) async throws(StoreError) -> [String] {
        try await store.heartbeat(server: server, ids: ids, token: token, lease: lease)
    }

    func complete(
        server: String, id: String, token: String, result: AttemptResult, output: String, report: InstanceReport?
    ) async throws(StoreError) {
        try await store.complete(
            server: server, id: id, token: token, result: result, output: output, report: report)
    }

    func waitForWork(server: String, timeout: Duration) async throws(StoreError) -> Bool {
        try await store.waitForWork(server: server, timeout: timeout)
    }

    func turn(_ turn: RunTurn) async throws(StoreError) -> RunTurnReply { try await store.turn(turn) }

    func appendOutput(
        _ chunks: [String], of id: String, on queue: RunQueue, token: String
    ) async throws(StoreError) {
        try await store.appendOutput(chunks, of: id, on: queue, token: token)
    }

    func leave(_ pool: Pool, server: String) async throws(StoreError) { try await store.leave(pool, server: server) }
}
