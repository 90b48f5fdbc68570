import Glibc
import Redis
import TestRedis
import Testing

@Suite(.privateRedis) struct RedisConnectionTests {
    private func withConnection<Value>(
        to server: PrivateRedis? = PrivateRedis.current, _ body: (RedisConnection) async throws -> Value
    ) async throws -> Value {
        let server = try #require(server)
        let threads = RedisThreads()
        let connection = try await RedisConnection.connect(
            to: .unix(path: server.socketPath), as: RedisLogin(clientName: "test"), on: threads)
        let value = try await body(connection)
        await connection.close()
        await threads.shutdown()
        return value
    }

    @Test func `each kind of reply comes back as a value`() async throws {
        try await withConnection { connection async throws in
            #expect(try await connection.send(RedisCommand("PING")).string == "PONG")
            #expect(
                try await connection.send(RedisCommand("SET", key: "kinds", [.bytes([0, 255, 13, 10])])).string == "OK")
            #expect(try await connection.send(RedisCommand("GET", key: "kinds")).bytes == [0, 255, 13, 10])
            #expect(try await connection.send(RedisCommand("GET", key: "none")).isNull)
            #expect(try await connection.send(RedisCommand("HSET", key: "h", ["a", 1, "b", "ü"])).int == 2)
            #expect(try await connection.send(RedisCommand("HGETALL", key: "h")).fields == ["a": "1", "b": "ü"])
            #expect(try await connection.send(RedisCommand("CLIENT", ["GETNAME"])).string == "test")
            let error = await #expect(throws: RedisError.self) {
                try await connection.send(RedisCommand("LPUSH", key: "h", ["x"]))
            }
            #expect(error?.replyCode == "WRONGTYPE")
        }
    }

    @Test func `a thousand concurrent callers each get their own reply`() async throws {
        try await withConnection { connection async throws in
            let wrong = await withTaskGroup(of: Bool.self) { group in
                for index in 0..<1000 {
                    group.addTask {
                        for round in 0..<10 {
                            let text = "\(index)-\(round)"
                            guard let reply = try? await connection.send(RedisCommand("ECHO", [.string(text)])),
                                reply.string == text
                            else { return true }
                        }
                        return false
                    }
                }
                return await group.reduce(0) { $0 + ($1 ? 1 : 0) }
            }
            #expect(wrong == 0)
        }
    }

    @Test func `a pipeline answers each command in order, errors among them`() async throws {
        try await withConnection { connection async throws in
            let replies = await connection.pipeline([
                RedisCommand("SET", key: "p", [5]), RedisCommand("NOSUCH"), RedisCommand("INCR", key: "p"),
            ])
            #expect(replies.count == 3)
            #expect(try replies[0].get().string == "OK")
            #expect(throws: RedisError.self) { try replies[1].get() }
            #expect(try replies[2].get() == .int(6))
            #expect(await connection.pipeline([]).isEmpty)
        }
    }

    @Test func `a bulk read folds every reply once and in order, beside other callers`() async throws {
        try await withConnection { connection async throws in
            let count = 5000
            let writes = (0..<count).map { RedisCommand("HSET", key: "bulk:\($0)", ["n", .int($0)]) }
            for result in await connection.pipeline(writes) { _ = try result.get() }
            async let sum = connection.forEachReply(of: count, into: [Int](), deadline: .seconds(20)) {
                index, commands in
                commands.append("HGETALL", key: "bulk:\(index)")
            } handle: { seen, index, reply in
                reply.forEachField { _, value in
                    if String(decoding: value, as: UTF8.self) == "\(index)" { seen.append(index) }
                }
            }
            for _ in 0..<50 { #expect(try await connection.send(RedisCommand("PING")).string == "PONG") }
            let seen = try await sum
            #expect(seen == Array(0..<count))
        }
    }

    @Test func `a passed deadline closes the connection, and tells only the late one of a timeout`() async throws {
        try await PrivateRedis.with { server async throws in
            try await withConnection(to: server) { connection async throws in
                server.pause()
                let patient = Task { try await connection.send(RedisCommand("PING"), deadline: .seconds(60)) }
                let late = await #expect(throws: RedisError.self) {
                    try await connection.send(RedisCommand("PING"), deadline: .milliseconds(50))
                }
                #expect(late == .timeout)
                let other = await #expect(throws: RedisError.self) { try await patient.value }
                #expect(other?.isIndeterminate == true || other == .closed(.notSent))
                #expect(!connection.isOpen)
                let after = await #expect(throws: RedisError.self) { try await connection.send(RedisCommand("PING")) }
                #expect(after == .closed(.notSent))
                server.resume()
            }
        }
    }

    @Test func `a killed server fails all that wait, and nothing hangs`() async throws {
        try await PrivateRedis.with { server async throws in
            try await withConnection(to: server) { connection async throws in
                let blocked = Task {
                    try await connection.sendBlocking(
                        RedisCommand("BLPOP", key: "q", [60]), serverTimeout: .seconds(60))
                }
                let bulk = Task {
                    try await connection.forEachReply(of: 10_000, into: 0, deadline: .seconds(60)) { _, commands in
                        commands.append("PING")
                    } handle: { count, _, _ in
                        count += 1
                    }
                }
                await server.kill9()
                await #expect(throws: RedisError.self) { try await blocked.value }
                await #expect(throws: RedisError.self) { try await bulk.value }
            }
        }
    }

    @Test func `cancelling a blocking command ends it at once`() async throws {
        try await withConnection { connection async throws in
            let task = Task {
                try await connection.sendBlocking(
                    RedisCommand("BLPOP", key: "never", [60]), serverTimeout: .seconds(60))
            }
            let blocked = try await withConnection { other async throws in
                await eventually {
                    let list = try? await other.send(RedisCommand("CLIENT", ["LIST"])).string
                    return list?.contains("cmd=blpop") == true
                }
            }
            #expect(blocked)
            task.cancel()
            let error = await #expect(throws: RedisError.self) { try await task.value }
            #expect(error == .cancelled)
        }
    }

    @Test func `more commands than may be in flight are refused, and not sent`() async throws {
        try await withConnection { connection async throws in
            let many = [RedisCommand](repeating: RedisCommand("PING"), count: RedisConnection.maximumInFlight + 1)
            let replies = await connection.pipeline(many)
            #expect(replies.allSatisfy { $0 == .failure(.overloaded) })
            #expect(try await connection.send(RedisCommand("PING")).string == "PONG")
        }
    }

    @Test func `no server, and a wrong password, are told apart in one clear line`() async throws {
        let threads = RedisThreads()
        let missing = await #expect(throws: RedisError.self) {
            _ = try await RedisConnection.connect(
                to: .unix(path: "/tmp/redops-no-such.sock"), as: RedisLogin(), on: threads)
        }
        #expect(
            missing?.description == "cannot connect to Redis at /tmp/redops-no-such.sock: No such file or directory")
        let refused = await #expect(throws: RedisError.self) {
            _ = try await RedisConnection.connect(to: .tcp(host: "127.0.0.1", port: 1), as: RedisLogin(), on: threads)
        }
        #expect(refused?.description == "cannot connect to Redis at 127.0.0.1:1: Connection refused")
        let server = try #require(PrivateRedis.current)
        let login = RedisLogin(user: "nobody", password: "wrong")
        let wrong = await #expect(throws: RedisError.self) {
            _ = try await RedisConnection.connect(to: .unix(path: server.socketPath), as: login, on: threads)
        }
        guard case .authentication? = wrong else {
            Issue.record("\(String(describing: wrong))")
            return
        }
        await threads.shutdown()
    }

    @Test func `no program that is started meanwhile inherits a connection`() async throws {
        let server = try #require(PrivateRedis.current)
        try await withConnection { _ async throws in
            let (own, kept) = sockets(to: server.socketPath)
            #expect(own > 0)
            // Those that other tests are just making are marked a moment later.
            let marked = await eventually { sockets(to: server.socketPath).inheritable == 0 }
            #expect(marked, "\(kept) of \(own) sockets would be inherited")
        }
    }

    /// How many sockets of this process are connected to a path, and how many of them are not marked close-on-exec.
    private func sockets(to path: String) -> (all: Int, inheritable: Int) {
        var (all, inheritable) = (0, 0)
        for file: Int32 in 3..<256 {
            var address = sockaddr_un()
            var length = socklen_t(MemoryLayout<sockaddr_un>.size)
            let known = withUnsafeMutablePointer(to: &address) { pointer in
                pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { getpeername(file, $0, &length) == 0 }
            }
            guard known, address.sun_family == sa_family_t(AF_UNIX) else { continue }
            let peer = withUnsafeBytes(of: &address.sun_path) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
            guard peer == path else { continue }
            all += 1
            if fcntl(file, F_GETFD) & FD_CLOEXEC == 0 { inheritable += 1 }
        }
        return (all, inheritable)
    }
}
