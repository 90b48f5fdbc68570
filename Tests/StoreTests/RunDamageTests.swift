// Somebody's hand in a queue of runs: what is damaged is said or mended, and neither hides nor holds up anything else.

import Model
import Redis
import RedisStore
import Store
import TestRedis
import Testing

@Suite(.privateRedis) struct RunDamageTests {
    private static let pool = Pool(selector: ["role": "web"]).map { RunQueue.pool($0) } ?? ownQueue

    private func withStore(_ body: (RedisStore, RedisClient) async throws -> Void) async throws {
        try await PrivateRedis.with(options: []) { server in
            try await withRedisStore(server) { store, client in try await body(store, client) }
        }
    }

    private func key(_ rest: String, of queue: RunQueue = ownQueue) -> String {
        let shard = "t:{s\(queue.shard < 10 ? "0" : "")\(queue.shard)}"
        switch queue {
        case .server(let name): return "\(shard):server:\(name):runs:\(rest)"
        case .pool(let pool): return "\(shard):pool:\(pool.name):\(rest)"
        }
    }

    private func set(_ client: RedisClient, hash: String, _ field: String, _ value: String) async throws {
        _ = try await client.send(RedisCommand("HSET", key: hash, [.string(field), .string(value)]))
    }

    private func replace(_ client: RedisClient, _ key: String) async throws {
        _ = try await client.send(RedisCommand("DEL", key: key))
        _ = try await client.send(RedisCommand("SET", key: key, ["by hand"]))
    }

    private func done(_ id: String, _ token: String) -> RunCompletion {
        RunCompletion(id: id, token: token, result: .done, exitCode: 0)
    }

    private static let garbage = [
        "", "x", "{not json", "5 01 - 1700000000000 {}", "5 01 - abcdefghijklm {}", "\u{1b}[31m",
        String(repeating: "x", count: 1 << 20),
    ]

    @Test(arguments: garbage) func `a job that cannot be read is dead, and the others are done`(text: String)
        async throws
    {
        try await withStore { store, client async throws in
            _ = try await store.add([runJob("bad", priority: 9), runJob("good")])
            try await set(client, hash: key("jobs"), "bad", text)
            let reply = try await store.visit("t1")
            #expect(reply.claims.map(\.job.id) == ["good"] && reply.unreadable.count == 1)
            let result = try await client.send(RedisCommand("HGET", key: key("results"), ["bad"]))
            #expect(result.string?.hasPrefix("dead ") == true)
            #expect(try await store.runs(on: ownQueue, limit: 10).map(\.job.id) == ["good"])
            #expect(try await store.visit("t2", ended: [done("good", "t1")]).lost.isEmpty)
            #expect(try await store.purge(nil, on: ownQueue) == 2)
        }
    }

    private static let bad = [
        "", "x", "1 2", "1 2 server1", "99999999999999999999999 1 server1 t1", "-1 0 server1 t1", "\u{1b}[31m",
    ]

    @Test(arguments: bad) func `a claim that cannot be read ends with its lease`(text: String) async throws {
        try await withStore { store, client async throws in
            for queue in [ownQueue, Self.pool] {
                _ = try await store.add([runJob("a", isRepeatable: true)], on: queue)
                _ = try await store.visit("t1", on: queue, lease: .milliseconds(5))
                try await set(client, hash: key("claims", of: queue), "a", text)
                _ = try await store.cancel("a", on: queue, lease: nil)
                _ = try await store.runs(on: queue, limit: 10)
                var token = 2
                #expect(
                    try await eventually {
                        token += 1
                        _ = try await store.visit(
                            "t\(token)", on: queue, lease: .milliseconds(5), boot: token == 3,
                            held: [RunAttempt(id: "a", token: "t1")])
                        return try await store.state("a", on: queue).map { !$0.isOpen } ?? false
                    })
            }
        }
    }

    @Test(arguments: bad) func `an earlier attempt that cannot be read holds nothing up`(text: String) async throws {
        try await withStore { store, client async throws in
            _ = try await store.add([runJob("a", priority: 9), runJob("b")])
            try await set(client, hash: key("tries"), "a", text)
            let reply = try await store.visit("t1")
            #expect(reply.claims.map(\.job.id) == ["a", "b"])
            _ = try await store.visit("t2", ended: [done("a", "t1"), done("b", "t1")])
            #expect(try await store.state("a") != .ready)
        }
    }

    @Test func `the end of what a script pushed is a hash, whatever was there, until the job is forgotten`()
        async throws
    {
        try await withStore { store, client async throws in
            var pushed = runJob("a")
            pushed.origin = RunJob.inbox
            _ = try await store.add([pushed])
            _ = try await store.add([runJob("b")])
            _ = try await store.visit("t1")
            try await replace(client, key("result:a"))
            let failed = RunCompletion(id: "a", token: "t1", result: .dead(error: "no  space\nleft"), exitCode: 28)
            #expect(try await store.visit("t2", ended: [failed, done("b", "t1")]).lost.isEmpty)
            let told = try await client.send(RedisCommand("HGETALL", key: key("result:a"))).fields ?? [:]
            #expect(told["state"] == "dead" && told["exitCode"] == "28" && told["error"] == "no  space\nleft")
            #expect(told["server"] == "server1" && told["attempt"] == "1" && told["token"] == nil)
            #expect(told["finishedAt"] != nil && told["claimedAt"] != nil)
            let record = try await store.runs(["a"], on: ownQueue)[0]
            #expect(record?.error == "no  space\nleft" && record?.exitCode == 28)
            #expect(try await client.send(RedisCommand("EXISTS", key: key("result:b"))).int == 0)
            #expect(try await store.retry("a", on: ownQueue))
            #expect(try await client.send(RedisCommand("EXISTS", key: key("result:a"))).int == 0)
            _ = try await store.visit("t3")
            #expect(try await store.visit("t4", ended: [done("a", "t3")]).lost.isEmpty)
            #expect(try await client.send(RedisCommand("HGET", key: key("result:a"), ["state"])).string == "done")
            // Who pushes an id that somebody else has enqueued before waits for its end too.
            pushed.id = "b"
            #expect(try await store.add([pushed]) == [.known(.done)])
            #expect(try await client.send(RedisCommand("HGET", key: key("result:b"), ["exitCode"])).string == "0")
            #expect(try await store.purge(nil, on: ownQueue) == 2)
            for name in ["result:a", "result:b", "told", "results"] {
                #expect(try await client.send(RedisCommand("EXISTS", key: key(name))).int == 0)
            }
        }
    }

    @Test func `a result that is gone or of another type is no success`() async throws {
        try await withStore { store, client async throws in
            _ = try await store.add([runJob("a"), runJob("b"), runJob("c")])
            _ = try await store.visit("t1")
            _ = try await store.visit("t2", ended: [done("a", "t1"), done("b", "t1"), done("c", "t1")])
            try await set(client, hash: key("results"), "a", "by hand")
            _ = try await client.send(RedisCommand("HDEL", key: key("results"), ["b"]))
            #expect(try await store.visit("t3", ended: [done("a", "t1")]).lost == ["a"])
            let records = try await store.runs(["a", "b", "c"], on: ownQueue)
            #expect(records.map { $0?.state } == [.dead, .dead, .done])
            #expect(records[0]?.error == "how it ended is not known any more" && records[2]?.error == nil)
            #expect(try await store.retry("a", on: ownQueue))
            #expect(try await store.visit("t4").claims.map(\.job.id) == ["a"])
        }
    }

    @Test(arguments: ["by hand", "dead 1 - many 1 server1 t1"])
    func `a job in doubt whose result is damaged does not hold up a restarted executor`(result: String) async throws {
        try await withStore { store, client async throws in
            _ = try await store.add([runJob("a")], on: Self.pool)
            _ = try await store.visit("t1", on: Self.pool, lease: .milliseconds(2))
            #expect(
                try await eventually {
                    _ = try await store.visit("u", on: Self.pool, by: "server2", limit: 0)
                    return try await store.state("a", on: Self.pool) == .dead
                })
            try await set(client, hash: key("results", of: Self.pool), "a", result)
            let reply = try await store.visit("t2", on: Self.pool, boot: true)
            #expect(reply.claims.map(\.job.id) == ["a"] && reply.claims.map(\.attempt) == [1])
        }
    }

    @Test
    func `results of another type lose no claim: nobody else does the job, and its end is told with the next turn`()
        async throws
    {
        try await withStore { store, client async throws in
            for queue in [ownQueue, Self.pool] {
                _ = try await store.add([runJob("a")], on: queue)
                _ = try await store.visit("t1", on: queue)
                try await replace(client, key("results", of: queue))
                await #expect(throws: StoreError.self) {
                    try await store.visit("t2", on: queue, ended: [done("a", "t1")])
                }
                for token in 1...20 {
                    #expect(try await store.visit("u\(token)", on: queue, by: "server2").claims.isEmpty)
                }
                #expect(try await store.visit("t2", on: queue, again: true, ended: [done("a", "t1")]).lost.isEmpty)
                #expect(try await store.state("a", on: queue) == .done)
            }
        }
    }

    @Test(arguments: ["garbage", "", "nan", "inf", "1e300", "-5"])
    func `a damaged epoch shuts no agent out of its pools`(epoch: String) async throws {
        try await withStore { store, client async throws in
            let agent = AgentIdentity(journal: "1a", boot: "b1", place: "web-7:/state")
            guard case .pool(let pool) = Self.pool else { return }
            try await store.join(pool, servers: ["server1"])
            let before = try await store.visit("1a:1", agent: agent).epoch
            #expect(try await store.visit("1a:2", on: Self.pool, agent: agent, epoch: before).holder == nil)
            try await set(client, hash: agentKey("server1"), "epoch", epoch)
            let own = try await store.visit("1a:3", agent: agent)
            #expect(own.holder == nil && own.epoch >= before)
            #expect(try await store.visit("1a:4", on: Self.pool, agent: agent, epoch: own.epoch).holder == nil)
            try await set(client, hash: key("epochs", of: Self.pool), "server1", epoch)
            _ = try await store.add([runJob("a")], on: Self.pool)
            let reply = try await store.visit("1a:5", on: Self.pool, agent: agent, epoch: own.epoch)
            #expect(reply.holder == nil && reply.claims.map(\.job.id) == ["a"])
        }
    }

    private static let own = [
        "ready", "delayed", "retries", "active", "jobs", "claims", "tries", "ended", "cancels", "idle", "doubts",
        "results", "told",
    ]

    @Test(arguments: own) func `a key of another type goes, and the queue works again`(name: String) async throws {
        try await withStore { store, client async throws in
            for queue in [ownQueue, Self.pool] {
                _ = try await store.add((0..<20).map { runJob("j\($0)") }, on: queue)
                _ = try await store.visit("t1", on: queue, limit: 1, lease: .milliseconds(2))
                try await replace(client, key(name, of: queue))
                let first = try? await store.visit("t2", on: queue, limit: 2, boot: true)
                var token = 2
                // What was enqueued is there as far as anything is left of it, and something new is done.
                #expect(try await store.add([runJob("new", priority: 9)], on: queue) == [.created])
                var seen = Set((first?.claims ?? []).map(\.job.id))
                let expected = name == "jobs" ? 1 : 20
                #expect(
                    await eventually {
                        token += 1
                        let reply = try? await store.visit("t\(token)", on: queue, limit: 100, boot: true)
                        seen.formUnion((reply?.claims ?? []).map(\.job.id))
                        return seen.contains("new") && seen.count >= expected
                    }, "\(queue) \(seen)")
            }
        }
    }

    @Test func `a list of hints of another type is written over by whoever enqueues`() async throws {
        try await withStore { store, client async throws in
            let wake = String(key("").dropLast("runs:".count)) + "queue:wake"
            try await replace(client, wake)
            #expect(try await store.add([runJob("a")]) == [.created])
            #expect(try await store.waitForWork(server: "server1", timeout: .seconds(2)))
        }
    }

    @Test(arguments: ["labels", "pools"])
    func `a key of the server of another type goes, and the queue works again`(name: String) async throws {
        try await withStore { store, client async throws in
            let damaged = String(key("").dropLast("runs:".count)) + name
            _ = try await store.add([runJob("a")])
            _ = try await client.send(RedisCommand("DEL", key: damaged))
            _ = try await client.send(RedisCommand("HSET", key: damaged, ["by", "hand"]))
            let failure = await #expect(throws: StoreError.self) { try await store.visit("t1") }
            #expect(failure == .corrupt(key: damaged, "another type than it should be: it was removed"))
            #expect(try await store.visit("t1", limit: 0, again: true).claims.map(\.job.id) == ["a"])
        }
    }

    @Test func `all bounds at once fit one turn and one call`() async throws {
        try await withStore { store, client async throws in
            let count = RunBounds.largestBatch
            let longest = String(repeating: "x", count: RunBounds.longestID - 4)
            let ids = (0..<count).map { longest + String($0 + 1000) }
            #expect(try await store.add(ids.map { runJob($0, attempts: 99) }).count == count)
            #expect(try await store.visit("t1", limit: count + 1).claims.count == count)
            let error = String(repeating: "e", count: 4000)
            let failures = ids.map { id in
                RunCompletion(id: id, token: "t1", result: .failed(error: error, retryAfter: .zero), exitCode: 255)
            }
            let held = ids.map { RunAttempt(id: $0, token: "t1") }
            #expect(try await store.visit("t2", limit: 0, ended: failures).lost.isEmpty)
            #expect(
                try await eventually { try await store.visit("t3", limit: count, boot: true).claims.count == count })
            #expect(try await store.visit("t4", limit: 0, held: held).lost.count == count)
            let ends = ids.map { done($0, "t3") }
            #expect(try await store.visit("t5", limit: count, ended: ends, held: held).lost.count == count)
            #expect(try await store.runs(ids, on: ownQueue).allSatisfy { $0?.state == .done || $0 == nil })
            _ = try await store.add(ids.map { runJob("n" + $0.dropFirst()) }, delay: .milliseconds(1))
            #expect(try await eventually { try await store.visit("t6", limit: count).claims.count == count })
            _ = try await store.purge(nil, on: ownQueue)
            #expect(try await client.send(RedisCommand("EXISTS", key: key("tries"))).int == 0)
        }
    }
}
