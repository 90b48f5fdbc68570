// The same loop over the real store: what the agent does with Redis is what it does with its specification.

import Agent
import Glibc
import Model
import Redis
import RedisStore
import Store
import TestRedis
import Testing

// One of them cuts all connections of the server that they share.
@Suite(.serialized, .privateRedis) struct RedisLoopTests {
    @Test func `jobs, reports and assignments go through Redis`() async throws {
        let redis = try #require(PrivateRedis.current)
        let threads = RedisThreads()
        let store = try await RedisStore.connect(url: redis.url, prefix: "agent", on: threads)
        let stage = try await Stage(store: store)
        stage.desire([
            .file("/a", "a"), .service("sleeper", ["sleep", "1000"]), .directory("/d"), .config("port", "80"),
        ])
        try await stage.withAgent { () async throws in
            #expect(try await stage.becomesReady())
            let start = ContinuousClock.now
            Disk.write("changed", to: stage.root + "/a")
            #expect(try await stage.settle { Disk.text(stage.root + "/a") == "a" })
            #expect(ContinuousClock.now - start < .seconds(10))
            stage.desireNothing()
            #expect(try await stage.settle { try await stage.store.instance(stage.id).control == nil })
            #expect(Disk.names(stage.root) == [])
        }
        await store.close()
        await threads.shutdown()
    }

    @Test func `a store that came back without what it was told is told all of it again`() async throws {
        let redis = try #require(PrivateRedis.current)
        let threads = RedisThreads()
        let store = try await RedisStore.connect(url: redis.url, prefix: "forgot", on: threads)
        let client = RedisClient(try RedisURL(redis.url), on: threads)
        let stage = try await Stage(store: store)
        stage.desire([.file("/a", "a")])
        try await stage.withAgent { () async throws in
            #expect(try await stage.becomesReady())
            let shard = StoreLayout.shard(of: "server1")
            let base = "forgot:{s\(shard < 10 ? "0" : "")\(shard)}:server:server1:"
            _ = try await client.send(RedisCommand("DEL", [.string(base + "app:\(stage.id.appKey)")]))
            #expect(try await store.instance(stage.id).observed == nil)
            _ = try await client.send(RedisCommand("CLIENT", ["KILL", "TYPE", "normal"]))
            #expect(
                await eventually(within: .seconds(5)) {
                    (try? await store.instance(stage.id).observed?.fields.count) == 1
                })
        }
        await client.close()
        await store.close()
        await threads.shutdown()
    }
}
