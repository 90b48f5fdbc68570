// Jobs from a queue to their end, by a whole agent.

import Agent
import Glibc
import Model
import Redis
import RedisStore
import Store
import TestRedis
import Testing

@Suite struct RunExecutorTests {
    private static let own = RunQueue.server("server1")

    static func job(_ id: String, _ script: String, attempts: Int = 1) -> RunJob {
        RunJob(id: id, steps: [.shell(script)], origin: "test", maximumAttempts: attempts)
    }

    static func enqueue(_ jobs: RunJob..., to store: some RunStore, on queue: RunQueue = own) async throws {
        _ = try await store.enqueue(jobs, on: queue, delay: nil, notBefore: nil, lease: nil)
    }

    static func record(_ id: String, in store: some RunStore, on queue: RunQueue = own) async throws -> RunRecord? {
        try await store.runs([id], on: queue).first ?? nil
    }

    static func ended(_ id: String, in store: some RunStore, on queue: RunQueue = own) async throws -> RunRecord? {
        var found: RunRecord?
        _ = try await eventually(within: .seconds(20)) {
            found = try await record(id, in: store, on: queue)
            return found.map { !$0.state.isOpen } ?? false
        }
        return found
    }

    static func output(_ id: String, in store: some RunStore) async throws -> String {
        try await store.output(of: id, on: own, after: nil).chunks.joined()
    }

    @Test func `jobs come to their end, and their output is there before it`() async throws {
        let stage = try await Stage()
        try await stage.withAgent { () async throws in
            try await Self.enqueue(
                Self.job("good", "echo fine"), Self.job("bad", "echo why; exit 4"), to: stage.store)
            let good = try #require(try await Self.ended("good", in: stage.store))
            #expect(good.state == .done && good.exitCode == 0 && good.server == "server1")
            #expect(try await Self.output("good", in: stage.store) == "fine\n")
            let bad = try #require(try await Self.ended("bad", in: stage.store))
            #expect(bad.state == .dead && bad.exitCode == 4)
            #expect(bad.error == "step 1 of 1, sh: sh exited 4: why")
        }
    }

    @Test func `output comes while the job runs`() async throws {
        let stage = try await Stage()
        try await stage.withAgent { () async throws in
            try await Self.enqueue(
                Self.job("j", "echo first; \(ExecutorTests.wait(in: stage.root)); echo last"), to: stage.store)
            #expect(await eventually { (try? await Self.output("j", in: stage.store)) == "first\n" })
            #expect(try await Self.record("j", in: stage.store)?.state == .active)
            Disk.write("", to: stage.root + "/go")
            #expect(try await Self.ended("j", in: stage.store)?.state == .done)
            #expect(try await Self.output("j", in: stage.store) == "first\nlast\n")
        }
    }

    @Test func `a failure is tried again with a wait`() async throws {
        let stage = try await Stage()
        try await stage.withAgent { () async throws in
            let script = "printf x >> \(stage.root)/count; test $(wc -c < \(stage.root)/count) = 2"
            try await Self.enqueue(Self.job("j", script, attempts: 3), to: stage.store)
            let record = try #require(try await Self.ended("j", in: stage.store))
            #expect(record.state == .done && record.attempt == 2)
        }
    }

    @Test func `a cancelled job is stopped at once`() async throws {
        let stage = try await Stage()
        try await stage.withAgent { () async throws in
            try await Self.enqueue(Self.job("j", "echo $$ > \(stage.root)/pid; exec sleep 1000"), to: stage.store)
            #expect(await eventually { Disk.text(stage.root + "/pid")?.hasSuffix("\n") == true })
            let pid = try #require(Disk.text(stage.root + "/pid").flatMap { Int32($0.dropLast()) })
            let process = try #require(ProcessTable.identity(of: pid))
            let start = ContinuousClock.now
            #expect(try await stage.store.cancel("j", on: Self.own, lease: nil) == .asked(server: "server1"))
            #expect(await eventually { !ProcessTable.runs(process) })
            #expect(ContinuousClock.now - start < .seconds(1))
            #expect(try await Self.ended("j", in: stage.store)?.state == .cancelled)
        }
    }

    @Test func `no more jobs are taken than there is room for`() async throws {
        let stage = try await Stage()
        var configuration = stage.configuration()
        configuration.runs = 2
        try await stage.withAgent(configuration) { () async throws in
            for number in 1...3 {
                try await Self.enqueue(
                    Self.job("j\(number)", ExecutorTests.wait(in: stage.root)), to: stage.store)
            }
            #expect(
                try await eventually {
                    try await stage.store.runs(on: Self.own, limit: 10).count { $0.state == .active } == 2
                })
            Disk.write("", to: stage.root + "/go")
            for number in 1...3 { #expect(try await Self.ended("j\(number)", in: stage.store)?.state == .done) }
        }
    }

    @Test func `a pool's jobs are taken beside the server's own`() async throws {
        let stage = try await Stage()
        let pool = try #require(Pool(selector: ["role": "web"]))
        try await stage.withAgent { () async throws in
            try await stage.store.join(pool, servers: ["server1"])
            try await Self.enqueue(Self.job("j", "true"), to: stage.store, on: .pool(pool))
            let record = try await Self.ended("j", in: stage.store, on: .pool(pool))
            #expect(record?.state == .done && record?.server == "server1")
        }
    }

    @Test func `an agent that ends in the middle goes on with the same program in its next life`() async throws {
        let stage = try await Stage()
        try await stage.withAgent { () async throws in
            let script = "printf x >> \(stage.root)/count; \(ExecutorTests.wait(in: stage.root)); exit 3"
            try await Self.enqueue(Self.job("j", script), to: stage.store)
            #expect(await eventually { Disk.text(stage.root + "/count") == "x" })
            let first = try #require(try await Self.record("j", in: stage.store)?.claimedAt)
            await stage.stop()
            try stage.start()
            let goesOn = try await eventually {
                (try await Self.record("j", in: stage.store)?.claimedAt).map { $0 > first } ?? false
            }
            #expect(goesOn)
            Disk.write("", to: stage.root + "/go")
            let record = try #require(try await Self.ended("j", in: stage.store))
            #expect(record.state == .dead && record.exitCode == 3 && Disk.text(stage.root + "/count") == "x")
            #expect(record.attempt == 1)
        }
    }

    @Test func `a job that ended while the store was away is told when it is back, and not done again`() async throws {
        let stage = try await Stage()
        try await stage.withAgent { () async throws in
            let script = "printf x >> \(stage.root)/count; \(ExecutorTests.wait(in: stage.root))"
            try await Self.enqueue(Self.job("j", script), to: stage.store)
            #expect(await eventually { Disk.text(stage.root + "/count") == "x" })
            await stage.store.setOutage(.unavailable("READONLY You can't write against a read only replica."))
            Disk.write("", to: stage.root + "/go")
            #expect(
                await eventually { (try? Disk.ledgerState(stage.state + "/journal"))?.runs.ended.isEmpty == false })
            await stage.store.setOutage(nil)
            #expect(try await Self.ended("j", in: stage.store)?.state == .done)
            #expect(Disk.text(stage.root + "/count") == "x")
        }
    }
}

@Suite(.serialized, .privateRedis) struct RunRedisTests {
    @Test func `jobs, their output and their end go through Redis`() async throws {
        let redis = try #require(PrivateRedis.current)
        let threads = RedisThreads()
        let store = try await RedisStore.connect(url: redis.url, prefix: "runs", on: threads)
        let stage = try await Stage(store: store)
        let own = RunQueue.server("server1")
        try await stage.withAgent { () async throws in
            for number in 1...20 {
                try await RunExecutorTests.enqueue(RunExecutorTests.job("j\(number)", "echo \(number)"), to: store)
            }
            for number in 1...20 {
                #expect(try await RunExecutorTests.ended("j\(number)", in: store)?.state == .done)
                #expect(try await RunExecutorTests.output("j\(number)", in: store) == "\(number)\n")
            }
            try await RunExecutorTests.enqueue(RunExecutorTests.job("long", "exec sleep 1000"), to: store)
            #expect(
                try await eventually { try await RunExecutorTests.record("long", in: store)?.state == .active })
            let start = ContinuousClock.now
            #expect(try await store.cancel("long", on: own, lease: nil) == .asked(server: "server1"))
            #expect(try await RunExecutorTests.ended("long", in: store)?.state == .cancelled)
            #expect(ContinuousClock.now - start < .seconds(2))
        }
        await store.close()
        await threads.shutdown()
    }
}
