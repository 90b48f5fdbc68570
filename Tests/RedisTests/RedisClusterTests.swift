import Redis
import TestRedis
import Testing

@Suite(.serialized) struct RedisClusterTests {
    @Test func `commands, scripts and bulk reads find their servers, and follow a slot that moves`() async throws {
        try await withCluster { client, cluster in
            let keys = (0..<500).map { "key:\($0)" }
            for result in await client.pipeline(keys.map { RedisCommand("SET", key: $0, [.string($0)]) }) {
                _ = try result.get()
            }
            #expect(try await read(keys, client) == keys.count)

            let script = RedisScript("return redis.call('INCR', KEYS[1])")
            for key in ["{a}n", "{b}n", "{c}n"] {
                #expect(try await client.script(script, keys: [key]).int == 1)
            }

            #expect(try await client.send(RedisCommand("SET", key: "{move}old", ["1"])).string == "OK")
            let owner = try await client.dedicatedConnection(forKey: "{move}").endpoint
            try await cluster.move(slot: RedisSlot.of("{move}")) { () async throws in
                // A new key is answered with ASK, and so is one that has moved; one that has not moved yet is served.
                #expect(try await client.send(RedisCommand("SET", key: "{move}new", ["2"])).string == "OK")
                #expect(try await client.send(RedisCommand("GET", key: "{move}old")).string == "1")
            }
            // Now it is MOVED: for lines of one's own, single commands, pipelines and bulk reads alike.
            #expect(try await client.dedicatedConnection(forKey: "{move}").endpoint != owner)
            #expect(try await client.send(RedisCommand("GET", key: "{move}old")).string == "1")
            #expect(try await client.send(RedisCommand("GET", key: "{move}new")).string == "2")
            #expect(try await read(keys, client) == keys.count)
        }
    }

    @Test func `of a server that hangs and was replaced nobody waits for an answer`() async throws {
        try await PrivateCluster.with(replicas: true, nodeTimeout: 500) { cluster in
            let threads = RedisThreads()
            let client = RedisClient(try RedisURL(cluster.url), on: threads, clientName: "test")
            #expect(try await client.send(RedisCommand("SET", key: "a", ["1"])).string == "OK")
            try await cluster.replicate()
            let owner = try await cluster.owner(of: RedisSlot.of("a"))
            owner.server.pause()
            #expect(try await eventually(within: .seconds(20)) { try await cluster.isWhole(without: owner) })
            let began = ContinuousClock.now
            async let hung = client.send(RedisCommand("GET", key: "a"))
            // It takes connections still, and says nothing on them.
            let line = try await client.dedicatedConnection(forKey: "a")
            #expect(line.endpoint != .tcp(host: "127.0.0.1", port: owner.server.port))
            _ = try? await hung
            #expect(try await client.send(RedisCommand("GET", key: "a")).string == "1")
            #expect(ContinuousClock.now - began < RedisConnection.commandDeadline)
            await line.close()
            await client.close()
            await threads.shutdown()
        }
    }

    private func read(_ keys: [String], _ client: RedisClient) async throws -> Int {
        try await client.forEachReply(keys: keys, into: 0, deadline: .seconds(20)) { key, commands in
            commands.append("GET", key: key)
        } handle: { right, index, reply in
            if reply.string == keys[index] { right += 1 }
        }
    }

    private func withCluster(_ body: (RedisClient, PrivateCluster) async throws -> Void) async throws {
        try await PrivateCluster.with { cluster in
            let threads = RedisThreads()
            let client = RedisClient(try RedisURL(cluster.url), on: threads)
            try await body(client, cluster)
            await client.close()
            await threads.shutdown()
        }
    }
}
