import Redis
import TestRedis
import Testing

@Suite(.serialized) struct RedisClusterTests {
    @Test func `commands, scripts and bulk reads find their servers, and follow a slot that moves`() async throws {
        try await withCluster { client, nodes in
            let keys = (0..<500).map { "key:\($0)" }
            for result in await client.pipeline(keys.map { RedisCommand("SET", key: $0, [.string($0)]) }) {
                _ = try result.get()
            }
            #expect(try await read(keys, client) == keys.count)

            let script = RedisScript("return redis.call('INCR', KEYS[1])")
            for key in ["{a}n", "{b}n", "{c}n"] {
                #expect(try await client.script(script, keys: [key]).int == 1)
            }

            let slot = RedisSlot.of("{move}")
            #expect(try await client.send(RedisCommand("SET", key: "{move}old", ["1"])).string == "OK")
            let owner = try await client.dedicatedConnection(forKey: "{move}").endpoint
            let from = try #require(nodes.firstIndex { .tcp(host: "127.0.0.1", port: $0.server.port) == owner })
            let to = (from + 1) % nodes.count
            try await nodes[to].ask("CLUSTER", "SETSLOT", "\(slot)", "IMPORTING", nodes[from].id)
            try await nodes[from].ask("CLUSTER", "SETSLOT", "\(slot)", "MIGRATING", nodes[to].id)
            // A new key is answered with ASK, one that has not moved yet is served.
            #expect(try await client.send(RedisCommand("SET", key: "{move}new", ["2"])).string == "OK")
            #expect(try await client.send(RedisCommand("GET", key: "{move}old")).string == "1")
            try await nodes[from].ask("MIGRATE", "127.0.0.1", "\(nodes[to].server.port)", "{move}old", "0", "5000")
            for node in nodes { try await node.ask("CLUSTER", "SETSLOT", "\(slot)", "NODE", nodes[to].id) }
            // Now it is MOVED, for single commands, pipelines and bulk reads alike.
            #expect(try await client.send(RedisCommand("GET", key: "{move}old")).string == "1")
            #expect(try await client.send(RedisCommand("GET", key: "{move}new")).string == "2")
            #expect(try await client.dedicatedConnection(forKey: "{move}").endpoint != owner)
            #expect(try await read(keys, client) == keys.count)
        }
    }

    private func read(_ keys: [String], _ client: RedisClient) async throws -> Int {
        try await client.forEachReply(keys: keys, into: 0, deadline: .seconds(20)) { key, commands in
            commands.append("GET", key: key)
        } handle: { right, index, reply in
            if reply.string == keys[index] { right += 1 }
        }
    }

    /// One server of the cluster, and a connection to it that follows nothing.
    private struct Node {
        let server: PrivateRedis
        let connection: RedisConnection
        let id: String

        @discardableResult
        func ask(_ words: String...) async throws -> RedisValue {
            try await connection.send(RedisCommand(words[0], words.dropFirst().map { .string($0) }))
        }
    }

    private func withCluster(_ body: (RedisClient, [Node]) async throws -> Void) async throws {
        let threads = RedisThreads()
        var nodes: [Node] = []
        for index in 0..<3 {
            let options = ["--cluster-enabled", "yes", "--cluster-node-timeout", "2000"]
            let server = try await PrivateRedis.start(port: try PrivateRedis.freePort(), options: options)
            let connection = try await RedisConnection.connect(
                to: .unix(path: server.socketPath), as: RedisLogin(), on: threads)
            let id = try await connection.send(RedisCommand("CLUSTER", ["MYID"])).string
            let node = Node(server: server, connection: connection, id: try #require(id))
            let share = RedisSlot.count / 3
            let last = index == 2 ? RedisSlot.count - 1 : (index + 1) * share - 1
            try await node.ask("CLUSTER", "ADDSLOTSRANGE", "\(index * share)", "\(last)")
            if let first = nodes.first { try await node.ask("CLUSTER", "MEET", "127.0.0.1", "\(first.server.port)") }
            nodes.append(node)
        }
        let formed = try await eventually(within: .seconds(20)) { try await areJoined(nodes) }
        try #require(formed)
        let client = RedisClient(try RedisURL("redis+cluster://127.0.0.1:\(nodes[0].server.port)"), on: threads)
        try await body(client, nodes)
        await client.close()
        for node in nodes {
            await node.connection.close()
            await node.server.kill9()
        }
        await threads.shutdown()
    }

    private func areJoined(_ nodes: [Node]) async throws -> Bool {
        for node in nodes {
            let info = try await node.ask("CLUSTER", "INFO").string ?? ""
            guard info.contains("cluster_state:ok"), info.contains("cluster_known_nodes:3") else { return false }
            guard try await node.ask("CLUSTER", "SLOTS").array?.count == 3 else { return false }
        }
        return true
    }
}
