// The life of a job that is no plan, over both stores.

import Model
import Store
import TestRedis
import Testing

/// A plain job.
func runJob(
    _ id: String, priority: Int = RunBounds.priority, attempts: Int = 1, isRepeatable: Bool = false
) -> RunJob {
    RunJob(
        id: id, steps: [.command(RunCommand(command: ["true"]))], origin: "test", isRepeatable: isRepeatable,
        priority: priority, maximumAttempts: attempts)
}

let ownQueue = RunQueue.server("server1")
let webPool = Pool(selector: ["role": "web"])

extension RunStore {
    func add(_ jobs: [RunJob], on queue: RunQueue = ownQueue, delay: Duration? = nil) async throws -> [Enqueued] {
        try await enqueue(jobs, on: queue, delay: delay, notBefore: nil, lease: nil)
    }

    func visit(
        _ token: String, on queue: RunQueue = ownQueue, by server: String = "server1", limit: Int = 10,
        lease: Duration = .seconds(10), boot: Bool = false, again: Bool = false, ended: [RunCompletion] = [],
        held: [RunAttempt] = [], agent: AgentIdentity? = nil, epoch: Int64 = 0
    ) async throws -> RunTurnReply {
        try await turn(
            RunTurn(
                queue: queue, server: server, token: token, limit: limit, lease: lease, isBoot: boot, isRepeat: again,
                completions: ended, heartbeats: held, agent: agent, epoch: epoch))
    }

    func state(_ id: String, on queue: RunQueue = ownQueue) async throws -> JobState? {
        try await runs([id], on: queue)[0]?.state
    }
}

private func done(_ id: String, _ token: String) -> RunCompletion {
    RunCompletion(id: id, token: token, result: .done, exitCode: 0)
}

private func failed(_ id: String, _ token: String, after: Duration = .zero) -> RunCompletion {
    RunCompletion(id: id, token: token, result: .failed(error: "it broke", retryAfter: after), exitCode: 7)
}

@Suite(.privateRedis) struct RunConformanceTests {
    @Test(arguments: StoreKind.allCases)
    func `a job is claimed once, by priority and then by age, up to the limit`(_ kind: StoreKind) async throws {
        try await withStore(kind) { bench async throws in
            let store = bench.store
            #expect(try await store.add([runJob("a"), runJob("b")]) == [.created, .created])
            try await bench.pass(.milliseconds(2))
            _ = try await store.add([runJob("c"), runJob("urgent", priority: 9), runJob("later", priority: 0)])
            let first = try await store.visit("t1", limit: 3)
            #expect(first.claims.map(\.job.id) == ["urgent", "a", "b"])
            #expect(first.claims.allSatisfy { $0.attempt == 1 && $0.token == "t1" })
            #expect(try await store.visit("t2").claims.map(\.job.id) == ["c", "later"])
            #expect(try await store.visit("t3").claims.isEmpty)
            #expect(try await store.visit("t", on: .server("server2"), by: "server2").claims.isEmpty)
        }
    }

    @Test(arguments: StoreKind.allCases)
    func `an id that is known is no second job, and is answered with what became of the first`(
        _ kind: StoreKind
    ) async throws {
        try await withStore(kind) { bench async throws in
            let store = bench.store
            #expect(try await store.add([runJob("a"), runJob("a")]) == [.created, .known(.ready)])
            #expect(try await store.add([runJob("a")]) == [.known(.ready)])
            _ = try await store.visit("t1")
            #expect(try await store.add([runJob("a")]) == [.known(.active)])
            _ = try await store.visit("t2", ended: [done("a", "t1")])
            #expect(try await store.add([runJob("a")]) == [.known(.done)])
            #expect(try await store.visit("t3").claims.isEmpty)
            #expect(try await store.purge(["a"], on: ownQueue) == 1)
            #expect(try await store.add([runJob("a")]) == [.created])
        }
    }

    @Test(arguments: StoreKind.allCases)
    func `a turn whose answer was lost gives the same again, and takes the same ends once`(
        _ kind: StoreKind
    ) async throws {
        try await withStore(kind) { bench async throws in
            let store = bench.store
            _ = try await store.add([runJob("a"), runJob("b"), runJob("c")])
            _ = try await store.visit("t1", limit: 1)
            let lost = try await store.visit("t2", limit: 1, ended: [done("a", "t1")])
            let again = try await store.visit("t2", limit: 1, again: true, ended: [done("a", "t1")])
            #expect(lost.claims.map(\.job.id) == ["b"] && again.claims.map(\.job.id) == ["b"])
            #expect(again.claims.map(\.attempt) == [1] && again.lost.isEmpty)
            #expect(try await store.visit("t3").claims.map(\.job.id) == ["c"])
        }
    }

    @Test(arguments: StoreKind.allCases)
    func `a failure is tried again after its wait, and is dead with the last attempt`(_ kind: StoreKind) async throws {
        try await withStore(kind) { bench async throws in
            let store = bench.store
            _ = try await store.add([runJob("a", attempts: 2)])
            _ = try await store.visit("t1")
            let waiting = try await store.visit("t2", ended: [failed("a", "t1", after: .milliseconds(30))])
            #expect(waiting.claims.isEmpty && waiting.nextDueAt != nil)
            let record = try #require(try await store.runs(["a"], on: ownQueue)[0])
            #expect(record.state == .delayed && record.error == "it broke" && record.attempt == 1)
            #expect(try await store.visit("t3", ended: [failed("a", "t1")]).lost.isEmpty)
            try await bench.pass(.milliseconds(31))
            #expect(try await store.visit("t4").claims.map(\.attempt) == [2])
            _ = try await store.visit("t5", ended: [failed("a", "t4")])
            let dead = try #require(try await store.runs(["a"], on: ownQueue)[0])
            #expect(dead.state == .dead && dead.error == "it broke" && dead.exitCode == 7 && dead.attempt == 2)
            #expect(dead.server == "server1" && dead.finishedAt != nil)
        }
    }

    @Test(arguments: StoreKind.allCases)
    func `an executor that was given up cannot end another's attempt`(_ kind: StoreKind) async throws {
        try await withStore(kind) { bench async throws in
            let store = bench.store
            _ = try await store.add([runJob("a")])
            _ = try await store.visit("t1", lease: .milliseconds(20))
            try await bench.pass(.milliseconds(25))
            #expect(try await store.visit("t2").claims.map(\.attempt) == [2])
            let late = try await store.visit("t3", limit: 0, ended: [failed("a", "t1")])
            #expect(late.lost == ["a"])
            #expect(try await store.visit("t4", limit: 0, held: [RunAttempt(id: "a", token: "t1")]).lost == ["a"])
            #expect(try await store.state("a") == .active)
            #expect(try await store.visit("t5", limit: 0, ended: [done("a", "t2")]).lost.isEmpty)
            #expect(try await store.state("a") == .done)
            #expect(try await store.visit("t6", limit: 0, ended: [failed("a", "t1")]).lost == ["a"])
            #expect(try await store.state("a") == .done)
        }
    }

    @Test(arguments: StoreKind.allCases)
    func `a lease that is extended does not end, and one that ended well is never given back`(
        _ kind: StoreKind
    ) async throws {
        try await withStore(kind) { bench async throws in
            let store = bench.store
            _ = try await store.add([runJob("a"), runJob("b")])
            _ = try await store.visit("t1", lease: .milliseconds(60))
            _ = try await store.visit(
                "t2", limit: 0, lease: .seconds(10), ended: [done("b", "t1")],
                held: [
                    RunAttempt(id: "a", token: "t1")
                ])
            try await bench.pass(.milliseconds(70))
            #expect(try await store.visit("t3").claims.isEmpty)
            #expect(try await store.state("a") == .active)
            #expect(try await store.state("b") == .done)
        }
    }

    @Test(arguments: StoreKind.allCases)
    func `a restarted executor has its attempts again at once, and others keep theirs`(_ kind: StoreKind) async throws {
        try await withStore(kind) { bench async throws in
            let store = bench.store
            let pool = RunQueue.pool(try #require(webPool))
            _ = try await store.add([runJob("a"), runJob("b")], on: pool)
            _ = try await store.visit("t1", on: pool, by: "server1", limit: 1)
            _ = try await store.visit("u1", on: pool, by: "server2", limit: 1)
            let boot = try await store.visit("t2", on: pool, by: "server1", boot: true)
            #expect(boot.claims.map(\.job.id) == ["a"] && boot.claims.map(\.attempt) == [1])
            #expect(try await store.visit("u2", on: pool, by: "server2", ended: [done("b", "u1")]).lost.isEmpty)
        }
    }

    @Test(arguments: StoreKind.allCases)
    func `restarts of its executor take no retry from a job`(_ kind: StoreKind) async throws {
        try await withStore(kind) { bench async throws in
            let store = bench.store
            _ = try await store.add([runJob("a", attempts: 2)])
            _ = try await store.visit("t1")
            for life in 2...4 { #expect(try await store.visit("t\(life)", boot: true).claims.map(\.attempt) == [1]) }
            _ = try await store.visit("t5", limit: 0, ended: [failed("a", "t4", after: .milliseconds(1))])
            #expect(try await store.state("a") == .delayed)
            try await bench.pass(.milliseconds(2))
            #expect(try await store.visit("t6").claims.map(\.attempt) == [2])
            _ = try await store.visit("t7", limit: 0, ended: [failed("a", "t6")])
            #expect(try await store.state("a") == .dead)
        }
    }

    @Test(arguments: StoreKind.allCases)
    func `what is delayed comes not early and not twice`(_ kind: StoreKind) async throws {
        try await withStore(kind) { bench async throws in
            let store = bench.store
            _ = try await store.add([runJob("a")], delay: .milliseconds(40))
            let early = try await store.visit("t1", lease: .milliseconds(5))
            #expect(early.claims.isEmpty && early.nextDueAt != nil)
            try await bench.pass(.milliseconds(45))
            #expect(try await store.visit("t2").claims.map(\.job.id) == ["a"])
            #expect(try await store.visit("t3").claims.isEmpty)
        }
    }

    @Test(arguments: StoreKind.allCases)
    func `a storm of retries takes an eighth of the room and leaves the rest to others`(_ kind: StoreKind) async throws
    {
        try await withStore(kind) { bench async throws in
            let store = bench.store
            let stormy = (0..<40).map { runJob("r\($0)", attempts: 5) }
            _ = try await store.add(stormy)
            _ = try await store.visit("t1", limit: 40)
            _ = try await store.visit("t2", limit: 0, ended: stormy.map { failed($0.id, "t1") })
            _ = try await store.add((0..<16).map { runJob("new\($0)") }, delay: .milliseconds(1))
            try await bench.pass(.milliseconds(3))
            let claims = try await store.visit("t3", limit: 16).claims.map(\.job.id)
            #expect(claims.count { $0.hasPrefix("new") } >= 14 && claims.count == 16)
            let rest = try await store.visit("t4", limit: 40).claims.map(\.job.id)
            #expect(rest.count { $0.hasPrefix("r") } >= 38)
        }
    }

    @Test(arguments: StoreKind.allCases)
    func `what has not begun is cancelled at once; of what runs its executor is told`(_ kind: StoreKind) async throws {
        try await withStore(kind) { bench async throws in
            let store = bench.store
            _ = try await store.add([runJob("a", attempts: 3), runJob("b")])
            _ = try await store.visit("t1", limit: 1)
            #expect(try await store.cancel("b", on: ownQueue, lease: nil) == .cancelled)
            #expect(try await store.cancel("b", on: ownQueue, lease: nil) == .over(.cancelled))
            #expect(try await store.cancel("nobody", on: ownQueue, lease: nil) == .unknown)
            #expect(try await store.waitForWork(server: "server1", timeout: .seconds(2)))
            #expect(try await store.cancel("a", on: ownQueue, lease: nil) == .asked(server: "server1"))
            #expect(try await store.waitForWork(server: "server1", timeout: .seconds(2)))
            #expect(try await store.visit("t2").cancelled == ["a"])
            #expect(try await store.runs(["a"], on: ownQueue)[0]?.isCancelling == true)
            _ = try await store.visit("t3", ended: [failed("a", "t1")])
            #expect(try await store.state("a") == .cancelled)
            #expect(try await store.visit("t4").cancelled.isEmpty)
        }
    }

    @Test(arguments: StoreKind.allCases)
    func `a job whose executor is silent is cancelled without it`(_ kind: StoreKind) async throws {
        try await withStore(kind) { bench async throws in
            let store = bench.store
            _ = try await store.add([runJob("a")])
            _ = try await store.visit("t1", lease: .milliseconds(10))
            try await bench.pass(.milliseconds(15))
            #expect(try await store.cancel("a", on: ownQueue, lease: nil) == .cancelled)
            // Should it be at it still, it is told as soon as it says so.
            let beat = try await store.visit("t2", limit: 0, held: [RunAttempt(id: "a", token: "t1")])
            #expect(beat.cancelled == ["a"] && beat.lost.isEmpty)
            let other = try await store.visit("t3", limit: 0, held: [RunAttempt(id: "a", token: "t0")])
            #expect(other.cancelled.isEmpty && other.lost == ["a"])
            #expect(try await store.visit("t4", ended: [done("a", "t1")]).claims.isEmpty)
            #expect(try await store.state("a") == .cancelled)
        }
    }

    @Test(arguments: StoreKind.allCases)
    func `a person's retry begins anew, of what is dead or cancelled only`(_ kind: StoreKind) async throws {
        try await withStore(kind) { bench async throws in
            let store = bench.store
            _ = try await store.add([runJob("a"), runJob("b")])
            let first = try await store.visit("t1")
            _ = try await store.visit("t2", ended: [failed("a", "t1"), done("b", "t1")])
            try await bench.pass(.milliseconds(2))
            #expect(try await store.retry("a", on: ownQueue))
            #expect(try await store.retry("b", on: ownQueue) == false)
            #expect(try await store.retry("nobody", on: ownQueue) == false)
            let again = try await store.visit("t3")
            #expect(again.claims.map(\.job.id) == ["a"] && again.claims.map(\.attempt) == [1])
            #expect(again.claims[0].enqueuedAt > first.claims[0].enqueuedAt)
        }
    }

    @Test(arguments: StoreKind.allCases)
    func `a leader of the past enqueues and cancels nothing`(_ kind: StoreKind) async throws {
        try await withStore(kind) { bench async throws in
            let store = bench.store
            let old = try await store.lead()
            try await store.releaseLease(old)
            _ = try await store.lead()
            let queue = ownQueue
            await #expect(throws: StoreError.self) {
                try await store.enqueue([runJob("a")], on: queue, delay: nil, notBefore: nil, lease: old)
            }
            await #expect(throws: StoreError.self) { try await store.cancel("a", on: queue, lease: old) }
            #expect(try await store.runs(on: queue, limit: 10).isEmpty)
        }
    }

    @Test(arguments: StoreKind.allCases)
    func `an executor without room is not called back for a retry that is due`(_ kind: StoreKind) async throws {
        try await withStore(kind) { bench async throws in
            let store = bench.store
            _ = try await store.add([runJob("long"), runJob("again", attempts: 9)])
            _ = try await store.visit("t1", lease: .seconds(60))
            _ = try await store.visit("t2", limit: 0, ended: [failed("again", "t1", after: .milliseconds(2))])
            try await bench.pass(.milliseconds(5))
            let full = try await store.visit("t3", limit: 0)
            #expect(try #require(full.nextDueAt) > full.now + .seconds(30), "the lease of the other")
            #expect(try await store.visit("t4", limit: 1).claims.map(\.job.id) == ["again"])
        }
    }

    @Test(arguments: StoreKind.allCases)
    func `an id that was forgotten begins with its first attempt, whatever ended the one before`(
        _ kind: StoreKind
    ) async throws {
        try await withStore(kind) { bench async throws in
            let store = bench.store
            let pool = RunQueue.pool(try #require(webPool))
            _ = try await store.add([runJob("a", attempts: 2)], on: pool)
            _ = try await store.visit("t1", on: pool)
            _ = try await store.visit("t2", on: pool, limit: 0, ended: [failed("a", "t1")])
            try await bench.pass(.milliseconds(2))
            #expect(try await store.visit("t3", on: pool, lease: .milliseconds(2)).claims.map(\.attempt) == [2])
            try await bench.pass(.milliseconds(5))
            _ = try await store.visit("t4", on: pool, limit: 0)
            #expect(try await store.state("a", on: pool) == .dead)
            #expect(try await store.purge(nil, on: pool) == 1)
            _ = try await store.add([runJob("a", attempts: 2)], on: pool)
            #expect(try await store.visit("t5", on: pool).claims.map(\.attempt) == [1])
        }
    }
}
