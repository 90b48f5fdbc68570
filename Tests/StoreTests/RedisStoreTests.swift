// What only a real Redis can show: lost scripts, full memory, hands in the keys, lines that break.

import Model
import Redis
import RedisStore
import Store
import TestRedis
import Testing

@Suite(.privateRedis) struct RedisStoreTests {
    private func withServer(
        options: [String] = [], _ body: (PrivateRedis, RedisStore, RedisClient) async throws -> Void
    ) async throws {
        try await PrivateRedis.with(options: options) { server in
            try await withRedisStore(server) { store, client in try await body(server, store, client) }
        }
    }

    private func key(_ rest: String, _ name: String = "server1") -> String {
        let shard = StoreLayout.shard(of: name)
        return "t:{s\(shard < 10 ? "0" : "")\(shard)}:\(rest)"
    }

    @Test func `scripts that Redis forgot are given again (F23)`() async throws {
        try await withServer { _, store, client async throws in
            let lease = try await store.lead()
            _ = try await client.send(RedisCommand("SCRIPT", ["FLUSH"]))
            try await store.seal(lease)
            try await store.commit(commit(job: job("j1")), lease: lease)
            _ = try await client.send(RedisCommand("SCRIPT", ["FLUSH"]))
            #expect(
                try await store.claim(
                    server: "server1", token: "t", limit: 1, lease: .seconds(9), boot: false, agent: nil
                ).claims
                    .count == 1)
        }
    }

    @Test func `after FLUSHALL the leader is fenced, the feed has a gap, and nobody has authority to remove (F22)`()
        async throws
    {
        try await withServer { _, store, client async throws in
            let lease = try await store.lead()
            _ = try await store.apply(draft())
            try await store.commit(commit(assignment: .set(assignment())), lease: lease)
            let cursor = try await store.feedEnd()
            let revision = try await store.assignments(server: "server1").revision
            _ = try await client.send(RedisCommand("FLUSHALL"))
            await expectError(.fenced(epoch: 0)) { try await store.commit(commit(), lease: lease) }
            await expectError(.fenced(epoch: 0)) { try await store.renewLease(lease, ttl: .seconds(3)) }
            guard case .gap = try await store.changes(after: cursor, shards: nil, limit: 9) else {
                Issue.record("expected a gap")
                return
            }
            #expect(try await store.tombstones(.app).isEmpty)
            let next = try await store.lead("n2")
            #expect(next.epoch > lease.epoch)
            try await store.commit(commit(assignment: .set(assignment())), lease: next)
            #expect(try await store.assignments(server: "server1").revision > revision)
        }
    }

    @Test func `an older copy that is restored is a gap (F22)`() async throws {
        try await withServer { _, store, client async throws in
            _ = try await store.apply(draft())
            let stream = key("changes", "webapp")
            let copy = try #require(try await client.send(RedisCommand("DUMP", key: stream)).bytes)
            _ = try await store.apply(draft(digest: "d2"))
            let cursor = try await store.feedEnd()
            _ = try await client.send(RedisCommand("RESTORE", key: stream, ["0", .bytes(copy), "REPLACE"]))
            guard case .gap = try await store.changes(after: cursor, shards: nil, limit: 9) else {
                Issue.record("expected a gap")
                return
            }
        }
    }

    @Test func `full memory is said in one sentence, and what was refused has changed nothing (F21)`() async throws {
        try await withServer { _, store, client async throws in
            let lease = try await store.lead()
            try await store.commit(commit(job: job("j1")), lease: lease)
            _ = try await store.claim(
                server: "server1", token: "t", limit: 1, lease: .seconds(60), boot: false, agent: nil)
            _ = try await client.send(RedisCommand("CONFIG", ["SET", "maxmemory-policy", "noeviction"]))
            _ = try await client.send(RedisCommand("CONFIG", ["SET", "maxmemory", "1"]))
            for attempt in ["commit", "report", "complete", "apply"] {
                do {
                    switch attempt {
                    case "commit": try await store.commit(commit(openJob: "j1", phase: .ready), lease: lease)
                    case "report": _ = try await store.report(report([page: "x"]))
                    case "apply": _ = try await store.apply(draft())
                    default:
                        try await store.complete(
                            server: "server1", id: "j1", token: "t", result: .done, output: "",
                            report: report([page: "x"]))
                    }
                    Issue.record("\(attempt) was accepted")
                } catch StoreError.unavailable(let reason) {
                    #expect(reason.hasPrefix("Redis is out of memory and refuses writes"), "\(attempt): \(reason)")
                }
            }
            #expect(try await store.instance(webapp).control?.phase == .progressing)
            #expect(try await store.instance(webapp).observed == nil)
            #expect(try await store.job(server: "server1", id: "j1")?.state == .active)
            #expect(try await store.resource(ResourceKey(.app, "webapp")) == nil)
            _ = try await client.send(RedisCommand("CONFIG", ["SET", "maxmemory", "0"]))
            try await store.complete(
                server: "server1", id: "j1", token: "t", result: .done, output: "", report: report([page: "x"]))
            #expect(try await store.instance(webapp).observed?.fields == [page: "x"])
        }
    }

    @Test func `a job that vanished from its queue is found by the next claim`() async throws {
        try await withServer { _, store, client async throws in
            let lease = try await store.lead()
            try await store.commit(commit(job: job("j1")), lease: lease)
            func claim() async throws -> [Int] {
                try await store.claim(
                    server: "server1", token: "t", limit: 9, lease: .seconds(60), boot: false, agent: nil
                ).claims
                    .map(\.attempt)
            }
            for (attempt, queue) in ["ready", "active", "active"].enumerated() {
                _ = try await client.send(RedisCommand("DEL", key: key("server:server1:queue:\(queue)")))
                #expect(try await claim() == [attempt + 1])
            }
            _ = try await client.send(RedisCommand("DEL", key: key("server:server1:job:j1")))
            #expect(try await store.instance(webapp).control?.openJob == "j1")
            #expect(try await claim() == [])
            #expect(try await store.jobs(server: "server1", limit: 9).isEmpty)
            #expect(try await store.instance(webapp).control?.openJob == nil)
        }
    }

    @Test func `what somebody else wrote into a key is said with its name`() async throws {
        try await withServer { _, store, client async throws in
            let lease = try await store.lead()
            try await store.commit(commit(assignment: .set(assignment())), lease: lease)
            let text = key("server:server1:assignment:webapp")
            _ = try await client.send(RedisCommand("SET", key: text, [#"{"x":1}"#]))
            let error = await #expect(throws: StoreError.self) { try await store.instance(webapp) }
            let found = try #require(error)
            guard case .corrupt(text, let reason) = found else { throw NotLeading() }
            #expect(reason.contains(#"unknown member "x""#))
            _ = try await client.send(RedisCommand("SET", key: key("server:server1:app:webapp"), ["text"]))
            await #expect(throws: StoreError.self) { try await store.instance(webapp) }
        }
    }

    @Test func `a newer form of the store is refused in one sentence`() async throws {
        try await withServer { server, _, client async throws in
            _ = try await client.send(RedisCommand("HSET", key: "new:{ctl}:meta", ["schema", "2"]))
            let threads = RedisThreads()
            let error = await #expect(throws: StoreError.self) {
                try await RedisStore.connect(url: server.url, prefix: "new", on: threads)
            }
            let sentence = "new:{ctl}:meta says schema 2; this program knows up to 1: use a newer release"
            #expect(error == .unavailable(sentence))
            await threads.shutdown()
        }
    }

    @Test func `a presence line is lost when its server goes, and hints end`() async throws {
        try await withServer { server, store, _ async throws in
            let line = try await store.openPresence(nonce: "n1")
            let hints = try await store.hints()
            async let lost: Void = line.waitUntilLost()
            await server.kill9()
            await lost
            for await _ in hints {}
            await #expect(throws: StoreError.self) { try await store.now() }
            try await server.startAgain()
            #expect(await eventually { (try? await store.now()) != nil })
            #expect(try await store.waitForWork(server: "server1", timeout: .milliseconds(20)) == false)
        }
    }

    @Test func `every entry of a config edit, a spec and a status can be read with HGETALL`() async throws {
        try await withServer { _, store, client async throws in
            _ = try await store.apply(draft())
            let hash = try await client.send(RedisCommand("HGETALL", key: key("desired:App:webapp", "webapp")))
            let fields = try #require(hash.fields)
            #expect(fields["generation"] == "1" && fields["config:nginx_port"] == "8080" && fields["digest"] == "d1")
        }
    }
}
