import Redis
import TestRedis
import Testing

@Suite(.privateRedis) struct RedisClientTests {
    private func withClient<Value>(
        of server: PrivateRedis? = PrivateRedis.current, _ body: (RedisClient) async throws -> Value
    ) async throws -> Value {
        let threads = RedisThreads()
        let client = RedisClient(try RedisURL(try #require(server).url), on: threads)
        let value = try await body(client)
        await client.close()
        await threads.shutdown()
        return value
    }

    @Test func `a flushed script is given again, and no call of many is lost`() async throws {
        try await PrivateRedis.with { server async throws in
            try await withClient(of: server) { client async throws in
                let script = RedisScript("return redis.call('INCRBY', KEYS[1], ARGV[1])")
                let calls = 400
                try await withThrowingTaskGroup(of: Void.self) { group in
                    for index in 0..<calls {
                        group.addTask {
                            if index % 50 == 0 { _ = try await client.send(RedisCommand("SCRIPT", ["FLUSH"])) }
                            _ = try await client.script(script, keys: ["counter"], [2])
                        }
                    }
                    try await group.waitForAll()
                }
                #expect(try await client.send(RedisCommand("GET", key: "counter")).int == 2 * calls)
                _ = try await client.send(RedisCommand("SCRIPT", ["FLUSH"]))
                let results = await client.scripts((0..<10).map { _ in RedisScriptCall(script, keys: ["other"], [1]) })
                #expect(try results.map { try $0.get().int ?? 0 }.max() == 10)
            }
        }
    }

    @Test func `an error inside of a script is the caller's`() async throws {
        try await withClient { client async throws in
            let script = RedisScript("return redis.error_reply('FENCED stale epoch')")
            let error = await #expect(throws: RedisError.self) { try await client.script(script, keys: ["x"]) }
            #expect(error == .reply(code: "FENCED", message: "FENCED stale epoch"))
        }
    }

    @Test func `the first call after a server came back connects at once`() async throws {
        try await PrivateRedis.with(appendOnly: true) { server async throws in
            try await withClient(of: server) { client async throws in
                #expect(client.connectedSince() == nil)
                _ = try await client.send(RedisCommand("SET", key: "kept", ["1"]))
                #expect(client.connectedSince() != nil)
                await server.stop()
                _ = await eventually { client.connectedSince() == nil }
                let gone = await #expect(throws: RedisError.self) {
                    try await client.send(RedisCommand("GET", key: "kept"))
                }
                #expect(gone?.isUnavailable == true, "\(String(describing: gone))")
                try await server.startAgain()
                let back = await eventually { (try? await client.send(RedisCommand("GET", key: "kept")).string) == "1" }
                #expect(back)
            }
        }
    }

    @Test func `callers that come while a connection is made share it`() async throws {
        try await withClient { client async throws in
            let ids = try await withThrowingTaskGroup(of: Int?.self) { group in
                for _ in 0..<200 { group.addTask { try await client.send(RedisCommand("CLIENT", ["ID"])).int } }
                return try await group.reduce(into: Set<Int?>()) { $0.insert($1) }
            }
            #expect(ids.count == 1)
        }
    }

    @Test func `what is published arrives, and the end of the connection ends the sequence`() async throws {
        try await PrivateRedis.with { server async throws in
            try await withClient(of: server) { client async throws in
                for sharded in [true, false] {
                    let subscription = try await client.subscribe(to: "news", sharded: sharded)
                    let publish = RedisCommand(sharded ? "SPUBLISH" : "PUBLISH", key: "news", ["hello"])
                    #expect(try await client.send(publish).int == 1)
                    #expect(try await client.send(publish).int == 1)
                    try await subscription.ping()
                    var iterator = subscription.makeAsyncIterator()
                    #expect(try await iterator.next()?.text == "hello")
                    #expect(try await iterator.next() == RedisMessage(channel: "news", payload: Array("hello".utf8)))
                    await subscription.close()
                    await #expect(throws: RedisError.self) { try await iterator.next() }
                    let unheard = await eventually { (try? await client.send(publish).int) == 0 }
                    #expect(unheard)
                }
            }
        }
    }

    @Test func `a blocking command on a connection of its own delays nobody`() async throws {
        try await withClient { client async throws in
            let own = try await client.dedicatedConnection()
            async let popped = own.sendBlocking(RedisCommand("BLPOP", key: "wake", [30]), serverTimeout: .seconds(30))
            #expect(try await client.send(RedisCommand("PING")).string == "PONG")
            _ = try await client.send(RedisCommand("RPUSH", key: "wake", ["now"]))
            let reply = try await popped
            #expect(reply.array?.last?.string == "now")
            await own.close()
        }
    }

    @Test func `a bulk read by keys gives each key's reply`() async throws {
        try await withClient { client async throws in
            let keys = (0..<2500).map { "many:\($0)" }
            for result in await client.pipeline(keys.map { RedisCommand("SET", key: $0, [.string($0)]) }) {
                _ = try result.get()
            }
            let right = try await client.forEachReply(keys: keys, into: 0, deadline: .seconds(20)) { key, commands in
                commands.append("GET", key: key)
            } handle: { right, index, reply in
                if reply.string == keys[index] { right += 1 }
            }
            #expect(right == keys.count)
        }
    }
}
