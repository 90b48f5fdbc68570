// What is done to a queue of runs by hands in its keys, by a store that forgets or is full, and by answers that are lost.
// Each test names its fault of the list, F8 to F23.

import Model
import Redis
import RedisStore
import Store
import TestRedis
import Testing

@Suite(.timeLimit(.minutes(3))) struct RunFaultStoreTests {
    private func with(
        _ options: [String] = [], _ body: (RedisStore, RedisClient, PrivateRedis) async throws -> Void
    ) async throws {
        try await PrivateRedis.with(options: options) { server in
            try await withRedisStore(server) { store, client in try await body(store, client, server) }
        }
    }

    private func key(_ rest: String) -> String {
        let shard = StoreLayout.shard(of: "server1")
        return "t:{s\(shard < 10 ? "0" : "")\(shard)}:server:server1:runs:\(rest)"
    }

    private func done(_ id: String, _ token: String) -> RunCompletion {
        RunCompletion(id: id, token: token, result: .done, exitCode: 0)
    }

    private func failed(_ id: String, _ token: String, after: Duration = .zero) -> RunCompletion {
        RunCompletion(id: id, token: token, result: .failed(error: "it broke", retryAfter: after), exitCode: 7)
    }

    // MARK: F8, F9

    @Test func `F8: an active job whose lease entry vanished is found, and ends once`() async throws {
        try await with { store, client, _ in
            _ = try await store.add([runJob("a")])
            #expect(try await store.visit("t1", lease: .seconds(60)).claims.count == 1)
            _ = try await client.send(RedisCommand("ZREM", key: key("active"), ["a"]))
            #expect(try await store.state("a") == .active, "nobody takes it for ready, nor for gone")
            // The next visit puts it back under a lease; when that is over it comes again.
            #expect(try await store.visit("t2", lease: .milliseconds(5)).claims.isEmpty)
            let again = try await eventually { try await store.visit("t3").claims.map(\.attempt) == [2] }
            #expect(again)
            #expect(try await store.visit("t4", ended: [done("a", "t1")]).lost == ["a"])
            #expect(try await store.visit("t5", ended: [done("a", "t3")]).lost.isEmpty)
            #expect(try await store.state("a") == .done)
        }
    }

    @Test(arguments: ["ready", "delayed", "retries"])
    func `F8: a job whose place in the queue vanished is found`(_ place: String) async throws {
        try await with { store, client, _ in
            _ = try await store.add([runJob("a", attempts: 2)], delay: place == "delayed" ? .seconds(60) : nil)
            if place == "retries" {
                _ = try await store.visit("t0")
                _ = try await store.visit("t1", limit: 0, ended: [failed("a", "t0", after: .seconds(60))])
            }
            #expect(try await client.send(RedisCommand("ZREM", key: key(place), ["a"])).int == 1)
            let isFound = try await eventually { try await store.visit("t2").claims.map(\.job.id) == ["a"] }
            #expect(isFound)
        }
    }

    @Test func `F9: of two sweeps at once one gives a lost job out, once`() async throws {
        try await with { store, _, _ in
            let pool = RunQueue.pool(try #require(webPool))
            let ids = (0..<50).map { "j\($0)" }
            _ = try await store.add(ids.map { runJob($0, isRepeatable: true) }, on: pool)
            _ = try await store.visit("gone", on: pool, limit: 50, lease: .milliseconds(1))
            let claims = try await withThrowingTaskGroup(of: [RunClaim].self) { group in
                for sweeper in 0..<8 {
                    group.addTask {
                        try await store.visit("t\(sweeper)", on: pool, by: "server\(sweeper)", limit: 50).claims
                    }
                }
                return try await group.reduce(into: []) { $0 += $1 }
            }
            var all = claims
            // Whoever came first left some for the others, and those had no second look.
            all += try await store.visit("rest", on: pool, by: "server9", limit: 50).claims
            for round in 0..<50 where all.count < 50 {
                all += try await store.visit("rest\(round)", on: pool, by: "server9", limit: 50).claims
            }
            #expect(all.map(\.job.id).sorted() == ids.sorted(), "each once")
            #expect(all.allSatisfy { $0.attempt == 2 })
        }
    }

    // MARK: F10, F11

    @Test func `F10: a delay longer than a lease: not early, and not twice`() async throws {
        try await with { store, _, _ in
            let delay: Duration = .milliseconds(80)
            _ = try await store.add([runJob("a")], delay: delay)
            let due = try await store.now() + .milliseconds(60)
            var claims: [RunClaim] = []
            var visits = 0
            while claims.isEmpty, visits < 10_000 {
                claims = try await store.visit("t\(visits)", lease: .milliseconds(5)).claims
                visits += 1
            }
            #expect(claims.count == 1 && visits > 1)
            #expect(try await store.now() > due)
            let token = "t\(visits - 1)"
            #expect(try await store.visit("u", limit: 5, ended: [done("a", token)]).claims.isEmpty)
            #expect(try await store.visit("v").claims.isEmpty)
        }
    }

    @Test func `F11: what ended well is never given out or abandoned, whatever sweeps`() async throws {
        try await with { store, client, _ in
            _ = try await store.add([runJob("a", attempts: 3)])
            _ = try await store.visit("t1", lease: .milliseconds(1))
            _ = try await store.visit("t2", limit: 0, ended: [done("a", "t1")])
            // Even with the entry of an attempt that was over, restored by a hand.
            _ = try await client.send(RedisCommand("ZADD", key: key("active"), ["1", "a"]))
            for visit in 0..<20 {
                #expect(try await store.visit("u\(visit)", boot: visit % 5 == 0).claims.isEmpty)
            }
            let record = try #require(try await store.runs(["a"], on: ownQueue)[0])
            #expect(record.state == .done && record.error == nil && record.attempt == 1)
        }
    }

    // MARK: F13, F14

    @Test func `F13: an end that NOREPLICAS refused is taken when it is told again`() async throws {
        try await with { store, client, _ in
            _ = try await store.add([runJob("a"), runJob("b")])
            _ = try await store.visit("t1", limit: 1)
            _ = try await client.send(RedisCommand("CONFIG", ["SET", "min-replicas-to-write", "1"]))
            let error = await #expect(throws: StoreError.self) {
                try await store.visit("t2", limit: 1, ended: [done("a", "t1")])
            }
            #expect("\(error as Any)".contains("too few replicas follow it"), "\(error as Any)")
            #expect(try await store.state("a") == .active)
            _ = try await client.send(RedisCommand("CONFIG", ["SET", "min-replicas-to-write", "0"]))
            let again = try await store.visit("t2", limit: 1, again: true, ended: [done("a", "t1")])
            #expect(again.claims.map(\.job.id) == ["b"] && again.lost.isEmpty)
            #expect(try await store.state("a") == .done)
        }
    }

    @Test func `F14: an enqueue whose answer was lost and is sent again makes one job`() async throws {
        try await with { store, client, _ in
            let other = RunJob(id: "x", steps: runJob("x").steps, origin: "test")
            async let first = store.add([other])
            // Whatever the moment: the connection goes while the call is under way, or before, or after.
            _ = try await client.send(RedisCommand("CLIENT", ["KILL", "TYPE", "normal", "SKIPME", "yes"]))
            _ = try? await first
            var answers: [[Enqueued]] = []
            for _ in 0..<3 { if let answer = try? await store.add([other]) { answers.append(answer) } }
            #expect(answers.count >= 2 && answers.last == [.known(.ready)])
            #expect(try await store.visit("t1").claims.map(\.job.id) == ["x"])
            #expect(try await store.visit("t2").claims.isEmpty)
        }
    }

    @Test func `F14: an id is known for a minute, however many jobs end after it; then a bounded number is`()
        async throws
    {
        try await with { store, client, _ in
            let many = (0..<(2 * RunBounds.endedOfServer)).map { runJob("j\($0)") }
            for part in [[runJob("x")], many] {
                _ = try await store.add(part)
                _ = try await store.visit("t", limit: RunBounds.largestBatch)
                _ = try await store.visit("u", limit: 1, ended: part.map { done($0.id, "t") })
            }
            #expect(try await store.add([runJob("x")]) == [.known(.done)])
            let ended = try await client.send(RedisCommand("ZRANGE", key: key("ended"), ["0", "-1"])).array ?? []
            for id in ended.compactMap(\.string) {
                _ = try await client.send(RedisCommand("ZADD", key: key("ended"), ["1", .string(id)]))
            }
            // Older than all that is kept for a time.
            _ = try await store.visit("v")
            #expect(try await store.add([runJob("x")]) == [.created])
        }
    }

    // MARK: F15, F16

    @Test func `F15: delayed jobs that come due are not behind a storm of retries`() async throws {
        try await with { store, _, _ in
            let stormy = (0..<2000).map { runJob("r\($0)", attempts: 5) }
            let parts = stride(from: 0, to: 2000, by: 500).map { Array(stormy[$0..<($0 + 500)]) }
            for part in parts { _ = try await store.add(part) }
            var held: [[RunClaim]] = []
            for index in parts.indices { held.append(try await store.visit("t\(index)", limit: 500).claims) }
            for claims in held {
                let ended = claims.map { failed($0.job.id, $0.token) }
                _ = try await store.visit("e", limit: 0, ended: ended)
            }
            let delayed = (0..<64).map { runJob("d\($0)") }
            let due = try await store.now() + .milliseconds(100)
            _ = try await store.enqueue(delayed, on: ownQueue, delay: nil, notBefore: due, lease: nil)
            // The storm is on when they come due.
            for turn in 0..<4 { _ = try await store.visit("s\(turn)", limit: 8) }
            #expect(try await eventually { try await store.now() > due })
            var order: [String] = []
            for turn in 0..<16 { order += try await store.visit("c\(turn)", limit: 8).claims.map(\.job.id) }
            #expect(order.count == 128)
            let last = try #require(order.lastIndex { $0.hasPrefix("d") })
            #expect(order.count { $0.hasPrefix("d") } == 64)
            #expect(last < 64 + 64 / 4, "of eight places at most one or so went to the storm: \(last)")
        }
    }

    @Test func `F16: an id whose job was cut off in the middle never blocks a later run of it`() async throws {
        try await with { store, _, _ in
            _ = try await store.add([runJob("a")])
            // Taken, and its executor is never seen again.
            _ = try await store.visit("t1", lease: .milliseconds(1))
            #expect(try await eventually { try await store.visit("t2").claims.map(\.job.id) == ["a"] })
            _ = try await store.visit("t3", limit: 0, ended: [failed("a", "t2")])
            #expect(try await store.add([runJob("a")]) == [.known(.dead)])
            #expect(try await store.retry("a", on: ownQueue))
            #expect(try await store.visit("t4").claims.map(\.attempt) == [1])
            #expect(try await store.cancel("a", on: ownQueue, lease: nil) == .asked(server: "server1"))
            _ = try await store.visit("t5", limit: 0, ended: [failed("a", "t4")])
            #expect(try await store.state("a") == .cancelled)
            #expect(try await store.purge(["a"], on: ownQueue) == 1)
            #expect(try await store.add([runJob("a")]) == [.created])
            // The first life's end, told now, is nobody's.
            #expect(try await store.visit("t6", ended: [done("a", "t2")]).lost == ["a"])
            #expect(try await store.state("a") == .active)
            _ = try await store.visit("t7", limit: 0, ended: [done("a", "t6")])
            #expect(try await store.state("a") == .done)
        }
    }

    @Test func `F16: of a job in doubt that had failed before nothing is left that a later job of its id would meet`()
        async throws
    {
        try await with { store, client, _ in
            let pool = RunQueue.pool(try #require(webPool))
            let shard = StoreLayout.shard(of: pool.name)
            let tries = "t:{s\(shard < 10 ? "0" : "")\(shard)}:pool:\(pool.name):tries"
            _ = try await store.add([runJob("a", attempts: 3), runJob("b", attempts: 3)], on: pool)
            _ = try await store.visit("t1", on: pool, limit: 2)
            _ = try await store.visit("t2", on: pool, limit: 0, ended: [failed("a", "t1"), failed("b", "t1")])
            #expect(try await store.visit("t3", on: pool, limit: 2, lease: .milliseconds(1)).claims.count == 2)
            _ = try await store.cancel("b", on: pool, lease: nil)
            let isOver = try await eventually {
                _ = try await store.visit("t4", on: pool, by: "server2", limit: 0)
                return try await store.runs(["a", "b"], on: pool).allSatisfy { $0?.state.isOpen == false }
            }
            #expect(isOver)
            #expect(try await client.send(RedisCommand("EXISTS", key: tries)).int == 0)
            #expect(try await store.purge(nil, on: pool) == 2)
            _ = try await store.add([runJob("a")], on: pool)
            #expect(try await store.visit("t5", on: pool).claims.map(\.attempt) == [1])
        }
    }

    // MARK: F21, F23

    @Test func `F21: full memory is said in one line, and leaves each job where it was`() async throws {
        try await with { store, client, _ in
            _ = try await store.add([runJob("a"), runJob("b")])
            _ = try await store.add([runJob("c")], delay: .milliseconds(1))
            _ = try await store.visit("t1", limit: 1)
            _ = try await client.send(RedisCommand("CONFIG", ["SET", "maxmemory-policy", "noeviction"]))
            _ = try await client.send(RedisCommand("CONFIG", ["SET", "maxmemory", "1"]))
            func refused(_ what: String, _ body: () async throws -> Void) async {
                do {
                    try await body()
                    Issue.record("\(what) was accepted")
                } catch StoreError.unavailable(let reason) {
                    #expect(reason.hasPrefix("Redis is out of memory and refuses writes: raise its maxmemory"))
                    #expect(!reason.contains("\n"))
                } catch {
                    Issue.record("\(what): \(error)")
                }
            }
            await refused("enqueue") { _ = try await store.add([runJob("d"), runJob("e")]) }
            // Redis refuses the first command that needs memory, and nothing after one that was taken: an end or a claim may
            // begin with what needs none. Either way it is whole.
            let isTold = (try? await store.visit("t2", limit: 0, ended: [done("a", "t1")])) != nil
            #expect(try await store.state("a") == (isTold ? .done : .active))
            let early = (try? await store.visit("t2", limit: 1))?.claims.map(\.job.id) ?? []
            let state = try await store.state("b")
            #expect(state == (early == ["b"] ? .active : .ready))
            let states = try await store.runs(["d", "e"], on: ownQueue)
            #expect(states == [nil, nil])
            _ = try await client.send(RedisCommand("CONFIG", ["SET", "maxmemory", "0"]))
            var claims = try await store.visit("t2", limit: 5, again: true, ended: [done("a", "t1")]).claims
            #expect(claims.map(\.job.id).filter { $0 == "b" } == ["b"])
            if claims.count == 1 { claims += try await store.visit("t3").claims }
            #expect(claims.map(\.job.id).sorted() == ["b", "c"])
            #expect(try await store.state("a") == .done)
        }
    }

    @Test func `F21: memory that runs out in the middle of enqueuing leaves whole batches and none in halves`()
        async throws
    {
        try await with(["--maxmemory-policy", "noeviction"]) { store, client, _ in
            let info = try await client.send(RedisCommand("INFO", ["memory"])).string ?? ""
            let used = info.split(separator: "\r\n").first { $0.hasPrefix("used_memory:") }?.dropFirst(12)
            let room = try #require(used.flatMap { Int($0) }) + 600_000
            _ = try await client.send(RedisCommand("CONFIG", ["SET", "maxmemory", .string(String(room))]))
            var enqueued: [String] = []
            var refused: [String] = []
            for batch in 0..<200 where refused.isEmpty {
                let ids = (0..<50).map { "b\(batch).\($0)" }
                do {
                    _ = try await store.add(ids.map { runJob($0) })
                    enqueued += ids
                } catch {
                    refused = ids
                }
            }
            #expect(!enqueued.isEmpty && !refused.isEmpty)
            _ = try await client.send(RedisCommand("CONFIG", ["SET", "maxmemory", "0"]))
            #expect(try await store.runs(refused, on: ownQueue).allSatisfy { $0 == nil })
            var claimed: [String] = []
            while true {
                let claims = try await store.visit("t\(claimed.count)", limit: 500).claims
                if claims.isEmpty { break }
                claimed += claims.map(\.job.id)
            }
            #expect(claimed.sorted() == enqueued.sorted())
        }
    }

    @Test func `F23: scripts that are flushed under load lose no call`() async throws {
        try await with { store, client, _ in
            let ids = (0..<300).map { "j\($0)" }
            let claimed = try await withThrowingTaskGroup(of: [String].self) { group in
                group.addTask {
                    for _ in 0..<100 { _ = try await client.send(RedisCommand("SCRIPT", ["FLUSH"])) }
                    return []
                }
                for part in 0..<3 {
                    group.addTask {
                        for index in 0..<100 { _ = try await store.add([runJob("j\(part * 100 + index)")]) }
                        return []
                    }
                }
                group.addTask {
                    var found: [String] = []
                    var last: [RunClaim] = []
                    for visit in 0..<5000 where found.count < 300 {
                        last = try await store.visit(
                            "t\(visit)", limit: 7, ended: last.map { done($0.job.id, $0.token) }
                        ).claims
                        found += last.map(\.job.id)
                    }
                    _ = try await store.visit("end", limit: 0, ended: last.map { done($0.job.id, $0.token) })
                    return found
                }
                return try await group.reduce(into: []) { $0 += $1 }
            }
            #expect(claimed.sorted() == ids.sorted())
            #expect(try await store.runs(ids, on: ownQueue).allSatisfy { $0?.state == .done })
        }
    }
}
