// Pools, output, and what is kept of jobs that are over, over both stores.

import Model
import Store
import TestRedis
import Testing

@Suite(.privateRedis) struct PoolConformanceTests {
    @Test(arguments: StoreKind.allCases)
    func `of a pool what is safe to repeat goes to another, and the rest is in doubt until its executor speaks`(
        _ kind: StoreKind
    ) async throws {
        try await withStore(kind) { bench async throws in
            let store = bench.store
            let pool = RunQueue.pool(try #require(webPool))
            _ = try await store.add([runJob("once"), runJob("again", isRepeatable: true)], on: pool)
            _ = try await store.visit("t1", on: pool, by: "server1", lease: .milliseconds(10))
            try await bench.pass(.milliseconds(15))
            let other = try await store.visit("u1", on: pool, by: "server2")
            #expect(other.claims.map(\.job.id) == ["again"] && other.claims.map(\.attempt) == [2])
            let doubtful = try #require(try await store.runs(["once"], on: pool)[0])
            #expect(doubtful.state == .dead && doubtful.error?.hasPrefix("in doubt: server1") == true)
            let truth = RunCompletion(id: "once", token: "t1", result: .done, exitCode: 0)
            #expect(try await store.visit("t2", on: pool, by: "server1", limit: 0, ended: [truth]).lost.isEmpty)
            let known = try #require(try await store.runs(["once"], on: pool)[0])
            #expect(known.state == .done && known.error == nil && known.exitCode == 0)
        }
    }

    @Test(arguments: StoreKind.allCases)
    func `a restarted executor is asked again about what is in doubt because of it`(_ kind: StoreKind) async throws {
        try await withStore(kind) { bench async throws in
            let store = bench.store
            let pool = RunQueue.pool(try #require(webPool))
            _ = try await store.add([runJob("once")], on: pool)
            _ = try await store.visit("t1", on: pool, by: "server1", lease: .milliseconds(10))
            try await bench.pass(.milliseconds(15))
            #expect(try await store.visit("u1", on: pool, by: "server2", boot: true).claims.isEmpty)
            #expect(try await store.state("once", on: pool) == .dead)
            let boot = try await store.visit("t2", on: pool, by: "server1", boot: true)
            #expect(boot.claims.map(\.job.id) == ["once"] && boot.claims.map(\.attempt) == [1])
            let truth = RunCompletion(id: "once", token: "t2", result: .done, exitCode: 0)
            #expect(try await store.visit("t3", on: pool, by: "server1", ended: [truth]).lost.isEmpty)
            let known = try #require(try await store.runs(["once"], on: pool)[0])
            #expect(known.state == .done && known.error == nil)
        }
    }

    @Test(arguments: StoreKind.allCases)
    func `a server learns its pools and labels with its own queue, and one that is free is woken for a pool`(
        _ kind: StoreKind
    ) async throws {
        try await withStore(kind) { bench async throws in
            let store = bench.store
            let pool = try #require(webPool)
            #expect(try await store.visit("t0").labels == nil)
            let draft = ResourceDraft(
                key: ResourceKey(.server, "server1"), digest: "d", manifest: "{}", config: [:], blobs: [:],
                appliedBy: "test", expectedGeneration: nil, labels: ["role": "web"])
            _ = try await store.apply(draft)
            try await store.join(pool, servers: ["server1", "server2"])
            #expect(try await store.waitForWork(server: "server1", timeout: .seconds(2)))
            let own = try await store.visit("t1")
            #expect(own.pools == [pool] && own.labels == ["role": "web"])
            #expect(try await store.members(of: pool) == ["server1", "server2"])
            _ = try await store.visit("t2", on: .pool(pool), by: "server1")
            _ = try await store.add([runJob("a")], on: .pool(pool))
            #expect(try await store.waitForWork(server: "server1", timeout: .seconds(2)))
            #expect(try await store.pools() == [pool])
            try await store.leave(pool, server: "server1")
            #expect(try await store.members(of: pool) == ["server2"])
            #expect(try await store.visit("t3").pools.isEmpty)
        }
    }

    @Test(arguments: StoreKind.allCases)
    func `of several that are free each takes its share, and one alone takes all`(_ kind: StoreKind) async throws {
        try await withStore(kind) { bench async throws in
            let store = bench.store
            let pool = RunQueue.pool(try #require(webPool))
            for server in ["server1", "server2", "server3"] {
                _ = try await store.visit("t-\(server)", on: pool, by: server)
                try await bench.pass(.milliseconds(2))
            }
            _ = try await store.add((0..<6).map { runJob("j\($0)") }, on: pool)
            let first = try await store.visit("u1", on: pool, by: "server1", limit: 8)
            #expect(first.claims.count == 2)
            #expect(try await store.visit("u2", on: pool, by: "server2", limit: 8).claims.count == 2)
            #expect(try await store.visit("u3", on: pool, by: "server3", limit: 1).claims.count == 1)
            #expect(try await store.visit("u4", on: pool, by: "server3", limit: 0).claims.isEmpty)
            let alone = RunQueue.pool(try #require(Pool("role=alone")))
            _ = try await store.add((0..<6).map { runJob("j\($0)") }, on: alone)
            #expect(try await store.visit("v1", on: alone, by: "server1", limit: 8).claims.count == 6)
        }
    }

    @Test(arguments: StoreKind.allCases)
    func `a server takes from a bounded number of pools`(_ kind: StoreKind) async throws {
        try await withStore(kind) { bench async throws in
            let store = bench.store
            for number in 0..<Pool.mostOfOneServer {
                try await store.join(try #require(Pool("n=\(number)")), servers: ["server1"])
            }
            let more = try #require(webPool)
            await #expect(throws: StoreError.self) { try await store.join(more, servers: ["server1"]) }
            try await store.join(try #require(Pool("n=0")), servers: ["server1"])
        }
    }

    @Test(arguments: StoreKind.allCases)
    func `output is read from where one was, bounded, and only its attempt's executor adds to it`(
        _ kind: StoreKind
    ) async throws {
        try await withStore(kind) { bench async throws in
            let store = bench.store
            _ = try await store.add([runJob("a")])
            _ = try await store.visit("t1")
            try await store.appendOutput(["one\n", "two\n"], of: "a", on: ownQueue, token: "t1")
            try await store.appendOutput(["stranger\n"], of: "a", on: ownQueue, token: "t0")
            let first = try await store.output(of: "a", on: ownQueue, after: nil)
            #expect(first.chunks == ["one\n", "two\n"] && !first.isCut)
            try await store.appendOutput(["three\n"], of: "a", on: ownQueue, token: "t1")
            let next = try await store.output(of: "a", on: ownQueue, after: first.cursor)
            #expect(next.chunks == ["three\n"] && !next.isCut)
            for _ in 0..<3 {
                try await store.appendOutput(
                    Array(repeating: "x", count: RunBounds.outputChunks / 2), of: "a", on: ownQueue, token: "t1")
            }
            let late = try await store.output(of: "a", on: ownQueue, after: next.cursor)
            #expect(late.chunks.count == RunBounds.outputChunks && late.isCut)
            _ = try await store.visit("t2", ended: [RunCompletion(id: "a", token: "t1", result: .done)])
            #expect(try await store.output(of: "a", on: ownQueue, after: late.cursor).chunks.isEmpty)
        }
    }

    @Test(arguments: StoreKind.allCases)
    func `of jobs that are over all stay for a while, then a bounded number, the newest`(
        _ kind: StoreKind
    ) async throws {
        try await withStore(kind) { bench async throws in
            let store = bench.store
            let count = RunBounds.endedOfServer + 30
            let jobs = (0..<count).map { runJob("j\($0)") }
            for half in [jobs.prefix(100), jobs.dropFirst(100)] {
                _ = try await store.add(Array(half))
                _ = try await store.visit("t", limit: RunBounds.largestBatch)
                try await bench.pass(.milliseconds(2))
                let ended = half.map { RunCompletion(id: $0.id, token: "t", result: .done) }
                _ = try await store.visit("u", limit: 0, ended: ended)
            }
            #expect(try await store.add([jobs[0]]) == [.known(.done)], "who asks again makes no second job")
            // Of Redis' own clock, `RunFaultStoreTests` lets the minute pass.
            guard kind == .memory else { return }
            try await bench.pass(RunBounds.endedAtLeast)
            _ = try await store.visit("v")
            let kept = try await store.runs(on: ownQueue, limit: 1000)
            #expect(kept.count == RunBounds.endedOfServer)
            #expect(kept.contains { $0.job.id == "j\(count - 1)" })
            #expect(try await store.purge(nil, on: ownQueue) == RunBounds.endedOfServer)
            #expect(try await store.runs(on: ownQueue, limit: 10).isEmpty)
        }
    }

    @Test(arguments: StoreKind.allCases)
    func `how far a schedule has come is read back, and a leader of the past does not write it`(
        _ kind: StoreKind
    ) async throws {
        try await withStore(kind) { bench async throws in
            let store = bench.store
            let old = try await store.lead()
            let pool = try #require(webPool)
            let at = Timestamp(milliseconds: 1_700_000_000_123)
            let state = ScheduleState(
                generation: 3, decidedUntil: at,
                lastRun: .init(id: "n-1", time: at, queues: [ownQueue, .pool(pool)], jobs: 3),
                edges: ["server1": .init(since: at, firedAt: nil, hasFired: true)], leftOut: "why")
            #expect(try await store.scheduleState("nightly") == nil)
            try await store.writeScheduleStates(["nightly": state], lease: old)
            #expect(try await store.scheduleState("nightly") == state)
            try await store.releaseLease(old)
            let new = try await store.lead()
            let later = ScheduleState(generation: 4, decidedUntil: at)
            await #expect(throws: StoreError.self) {
                try await store.writeScheduleStates(["nightly": later], lease: old)
            }
            #expect(try await store.scheduleState("nightly") == state)
            // In one shard and in several.
            let names = ["nightly"] + (0..<100).map { "s\($0)" }
            let states = Dictionary(
                uniqueKeysWithValues: names.enumerated().map { index, name in
                    (name, ScheduleState(generation: 4 + index, decidedUntil: at))
                })
            try await store.writeScheduleStates(states, lease: new)
            for (name, state) in states { #expect(try await store.scheduleState(name) == state) }
            let key = ResourceKey(.schedule, "nightly")
            _ = try await store.apply(
                ResourceDraft(
                    key: key, digest: "d", manifest: "{}", config: [:], blobs: [:], appliedBy: "test",
                    expectedGeneration: nil))
            #expect(try await store.delete(key, by: "test", expectedGeneration: nil))
            #expect(try await store.scheduleState("nightly") == nil)
        }
    }

    @Test(arguments: StoreKind.allCases)
    func `what a silent server last measured is no measurement`(_ kind: StoreKind) async throws {
        try await withStore(kind) { bench async throws in
            let store = bench.store
            try await store.report(ServerReport(server: "server1", values: ["disk": "91", "cpu": "x"], full: true))
            #expect(
                try await store.measurements("disk", of: ["server1", "server2"], collectors: [:]).values == [91, nil])
            #expect(try await store.measurements("cpu", of: ["server1"], collectors: [:]).values == [nil])
            guard kind == .memory else { return }
            try await bench.pass(.seconds(16))
            #expect(try await store.measurements("disk", of: ["server1"], collectors: [:]).values == [nil])
        }
    }

    @Test(arguments: StoreKind.allCases)
    func `who joins and leaves at the same moment is no member that was never told of it`(_ kind: StoreKind)
        async throws
    {
        try await withStore(kind) { bench async throws in
            let store = bench.store
            let pool = try #require(webPool)
            for number in 0..<50 {
                let server = "server\(number)"
                try await store.join(pool, servers: [server])
                async let left: Void = store.leave(pool, server: server)
                async let joined: Void = store.join(pool, servers: [server])
                _ = try await (left, joined)
                let isMember = try await store.members(of: pool).contains(server)
                let isNamed = try await store.visit("t", on: .server(server), by: server).pools == [pool]
                #expect(!isMember || isNamed, "\(server): member \(isMember), named \(isNamed)")
            }
        }
    }

    @Test(arguments: StoreKind.allCases)
    func `as many of those that are free are woken as there are jobs`(_ kind: StoreKind) async throws {
        try await withStore(kind) { bench async throws in
            let store = bench.store
            let pool = RunQueue.pool(try #require(webPool))
            let servers = (0..<8).map { "server\($0)" }
            for server in servers { _ = try await store.visit("t", on: pool, by: server) }
            _ = try await store.add((0..<6).map { runJob("j\($0)") }, on: pool)
            var woken = 0
            for server in servers {
                woken += try await store.waitForWork(server: server, timeout: .milliseconds(50)) ? 1 : 0
            }
            #expect(woken == 6)
        }
    }
}
