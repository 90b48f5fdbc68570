import Redis
import TestRedis
import Testing

@Suite(.serialized) struct RedisSentinelTests {
    @Test func `the client finds the primary, and its successor after a crash`() async throws {
        try await PrivateSentinel.with { service in
            let threads = RedisThreads()
            let client = RedisClient(try RedisURL(service.url), on: threads)
            #expect(try await client.send(RedisCommand("SET", key: "kept", ["1"])).string == "OK")
            try await service.replicate()
            await service.primary.kill9()
            let back = await eventually(within: .seconds(30)) {
                (try? await client.send(RedisCommand("SET", key: "after", ["2"])).string) == "OK"
            }
            #expect(back)
            #expect(try await client.send(RedisCommand("GET", key: "kept")).string == "1")

            let gone = RedisClient(
                try RedisURL("redis+sentinel://127.0.0.1:\(service.sentinel.port)/other"), on: threads)
            let error = await #expect(throws: RedisError.self) { try await gone.connect() }
            #expect(error?.description.contains("service other") == true, "\(String(describing: error))")
            await client.close()
            await threads.shutdown()
        }
    }
}
