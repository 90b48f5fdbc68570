// An executor of runs by itself, over a store whose answers get lost, and beside somebody who installs packages.

import Agent
import Glibc
import Model
import Store
import Synchronization
import TestRedis
import Testing

@Suite struct RunTurnTests {
    /// Takes every turn, and loses each second answer.
    private final class Lossy: RunQueueStore {
        let store: InMemoryStore
        private let count = Atomic(0)

        init(_ store: InMemoryStore) { self.store = store }

        func turn(_ turn: RunTurn) async throws(StoreError) -> RunTurnReply {
            let reply = try await store.turn(turn)
            guard count.add(1, ordering: .relaxed).newValue.isMultiple(of: 2) else {
                throw .indeterminate("the answer was lost")
            }
            return reply
        }

        func appendOutput(
            _ chunks: [String], of id: String, on queue: RunQueue, token: String
        ) async throws(StoreError) {
            try await store.appendOutput(chunks, of: id, on: queue, token: token)
        }

        func leave(_ pool: Pool, server: String) async throws(StoreError) {
            try await store.leave(pool, server: server)
        }
    }

    private static func with(
        _ store: any RunQueueStore, _ bench: RunBench, most: Int = 4, lane: AsyncLane = AsyncLane(),
        _ body: (RunExecutor) async throws -> Void
    ) async throws {
        let executor = RunExecutor(
            store: store, runner: bench.runner, most: most, timing: Executor.Timing(),
            standing: Standing(agent: nil, log: quiet), outage: Outage(log: quiet), log: quiet, nonce: "n",
            packageLane: lane)
        let life = Task { await executor.run() }
        defer { life.cancel() }
        try await body(executor)
    }

    @Test func `whatever answers are lost, each job is done once`() async throws {
        let bench = try RunBench()
        let store = InMemoryStore(clock: wallClock)
        let ids = (0..<20).map { "j\($0)" }
        for id in ids {
            try await RunExecutorTests.enqueue(
                RunExecutorTests.job(id, "echo \(id) >> \(bench.root)/effects"), to: store)
        }
        try await Self.with(Lossy(store), bench) { _ async throws in
            for id in ids { #expect(try await RunExecutorTests.ended(id, in: store)?.state == .done) }
        }
        let effects = (Disk.text(bench.root + "/effects") ?? "").split(separator: "\n").map(String.init)
        #expect(effects.sorted() == ids.sorted())
    }

    @Test func `a job that waits for its turn with packages is cancelled without having begun`() async throws {
        let bench = try RunBench()
        let store = InMemoryStore(clock: wallClock)
        let lane = AsyncLane()
        let isOver = Mutex(false)
        let other = Task {
            await lane.run { _ = await eventually(within: .seconds(20)) { isOver.withLock { $0 } } }
        }
        let own = RunQueue.server("server1")
        let job = RunJob(id: "j", steps: [.upgrade(packages: ["nginx"])], origin: "test")
        try await Self.with(store, bench, most: 1, lane: lane) { executor async throws in
            try await RunExecutorTests.enqueue(job, to: store)
            executor.wake()
            #expect(try await eventually { try await RunExecutorTests.record("j", in: store)?.state == .active })
            // It takes nobody's place meanwhile.
            try await RunExecutorTests.enqueue(RunExecutorTests.job("k", "true"), to: store)
            executor.wake()
            #expect(try await RunExecutorTests.ended("k", in: store)?.state == .done)
            _ = try await store.cancel("j", on: own, lease: nil)
            executor.wake()
            #expect(try await RunExecutorTests.ended("j", in: store)?.state == .cancelled)
            #expect(bench.runs.ended.count == 1, "only the other one was begun")
            isOver.withLock { $0 = true }
            await other.value
        }
    }
}
