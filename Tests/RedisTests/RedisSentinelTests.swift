import Redis
import TestRedis
import Testing

@Suite(.serialized) struct RedisSentinelTests {
    @Test func `the client finds the primary, and its successor after a crash`() async throws {
        let primary = try await PrivateRedis.start(
            port: try PrivateRedis.freePort(), options: ["--repl-diskless-sync-delay", "0"])
        let replica = try await PrivateRedis.start(
            port: try PrivateRedis.freePort(), options: ["--replicaof", "127.0.0.1", "\(primary.port)"])
        let sentinel = try await PrivateRedis.startSentinel(
            port: try PrivateRedis.freePort(), of: "main", primaryPort: primary.port)
        let threads = RedisThreads()
        let client = RedisClient(
            try RedisURL("redis+sentinel://127.0.0.1:1,127.0.0.1:\(sentinel.port)/main"), on: threads)

        #expect(try await client.send(RedisCommand("SET", key: "kept", ["1"])).string == "OK")
        let copied = await eventually(within: .seconds(20)) {
            (try? await client.send(RedisCommand("WAIT", [1, 100])).int) == 1
        }
        try #require(copied)
        let watcher = try await RedisConnection.connect(
            to: .unix(path: sentinel.socketPath), as: RedisLogin(), on: threads)
        let known = await eventually(within: .seconds(20)) {
            let replicas = try? await watcher.send(RedisCommand("SENTINEL", ["REPLICAS", "main"]))
            return replicas?.array?.count == 1
        }
        try #require(known)
        await primary.kill9()
        let back = await eventually(within: .seconds(30)) {
            (try? await client.send(RedisCommand("SET", key: "after", ["2"])).string) == "OK"
        }
        #expect(back)
        #expect(try await client.send(RedisCommand("GET", key: "kept")).string == "1")

        let gone = RedisClient(try RedisURL("redis+sentinel://127.0.0.1:\(sentinel.port)/other"), on: threads)
        let error = await #expect(throws: RedisError.self) { try await gone.connect() }
        #expect(error?.description.contains("service other") == true, "\(String(describing: error))")
        await watcher.close()
        await client.close()
        for server in [primary, replica, sentinel] { await server.kill9() }
        await threads.shutdown()
    }
}
