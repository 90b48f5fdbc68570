// F6 for runs: executors that are killed while they do what cannot be seen by looking. Each effect happens once, or the
// job says that it is in doubt.

import Glibc
import Model
import Redis
import RedisStore
import Store
import TestRedis
import Testing

@Suite(.serialized, .timeLimit(.minutes(5))) struct RunFaultTests {
    private static let own = RunQueue.server("server1")

    private static func with(
        _ body: (TestFleet, RedisStore) async throws -> Void
    ) async throws {
        try await TestFleet.with(controllers: 0) { fleet in
            let threads = RedisThreads()
            let store = try await RedisStore.connect(url: fleet.redis.url, on: threads)
            do {
                try await body(fleet, store)
            } catch {
                await store.close()
                await threads.shutdown()
                throw error
            }
            await store.close()
            await threads.shutdown()
        }
    }

    private static func job(_ id: String, _ script: String) -> RunJob {
        RunJob(id: id, steps: [.command(RunCommand(command: ["sh", "-c", script]))], origin: "test")
    }

    private static func enqueue(_ jobs: [RunJob], to store: RedisStore) async throws {
        _ = try await store.enqueue(jobs, on: own, delay: nil, notBefore: nil, lease: nil)
    }

    /// Ids of jobs, as often as they were done.
    private static func effects(_ fleet: TestFleet) -> [String] {
        fleet.text("server1", "/effects").split(separator: "\n").map(String.init)
    }

    @Test func `F6: the end of a command that outlived its executor is told exactly by the next one`() async throws {
        try await Self.with { fleet, store in
            let root = fleet.root("server1")
            let script = "printf x >> count; while [ ! -e go ] && [ -d \(root) ]; do sleep 0.01; done; exit 7"
            try await Self.enqueue([Self.job("j", script)], to: store)
            #expect(await eventually(within: .seconds(20)) { fleet.text("server1", "/count") == "x" }, "\(fleet.logs)")
            await fleet.end("agent-server1")
            // The command ends while nobody is there to see it.
            try fleet.write(root + "/go", "")
            #expect(await eventually(within: .seconds(20)) { TestFleet.processes(naming: root).isEmpty })
            try fleet.startAgent("server1")
            let isDead = try await eventually(within: .seconds(20)) {
                try await store.runs(["j"], on: Self.own).first??.state == .dead
            }
            #expect(isDead, "\(fleet.logs)")
            let record = try #require(try await store.runs(["j"], on: Self.own).first ?? nil)
            #expect(record.exitCode == 7 && record.error == "step 1 of 1, sh: sh exited 7")
            #expect(fleet.text("server1", "/count") == "x", "the effect happened once")
        }
    }

    @Test func `F6: of jobs under an executor that is killed again and again each effect happens once`() async throws {
        let seed = UInt64.random(in: .min ... .max)
        print("seed \(seed)")
        var state = seed
        try await Self.with { fleet, store in
            let ids = (0..<60).map { "j\($0)" }
            try await Self.enqueue(ids.map { Self.job($0, "echo \($0) >> effects; sleep 0.05") }, to: store)
            for _ in 0..<6 {
                state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
                let few = Self.effects(fleet).count + 1 + Int(state >> 33) % 9
                _ = await eventually(within: .seconds(20)) { Self.effects(fleet).count >= min(few, ids.count) }
                await fleet.end("agent-server1")
                try fleet.startAgent("server1")
            }
            let isOver = try await eventually(within: .seconds(60)) {
                try await store.runs(ids, on: Self.own).allSatisfy { $0?.state.isOpen == false }
            }
            #expect(isOver, "seed \(seed) \(fleet.logs)")
            let effects = Dictionary(grouping: Self.effects(fleet), by: { $0 })
            for (id, record) in zip(ids, try await store.runs(ids, on: Self.own)) {
                #expect((effects[id]?.count ?? 0) <= 1, "seed \(seed): \(id)")
                switch record?.state {
                case .done: #expect(effects[id]?.count == 1, "seed \(seed): \(id)")
                default: #expect(record?.error?.hasPrefix("in doubt") == true, "seed \(seed): \(id) \(record as Any)")
                }
            }
        }
    }
}
