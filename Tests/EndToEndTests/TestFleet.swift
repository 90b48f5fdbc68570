// A small fleet of real processes: a private redis-server, controllers, and agents that are confined to folders.
// Everything ends with the test, however that ends: the processes are killed by the kernel with the test's own.

import Glibc
import JSON
import Redis
import RedisStore
import Store
import Synchronization
import TestRedis
import Testing

final class TestFleet: Sendable {
    /// One of our services: its process now, and what it was started with.
    struct Member: Sendable {
        var name: String
        var pid: pid_t
        var arguments: [String]
    }

    /// What the programs are given.
    let url: String
    /// That Redis, or a server of the cluster or the service that `url` names.
    let redis: PrivateRedis
    let folder: String
    private let members = Mutex<[String: Member]>([:])

    private init(url: String, redis: PrivateRedis, folder: String) {
        self.url = url
        self.redis = redis
        self.folder = folder
    }

    /// Runs a body with a fleet, judges what the fleet did meanwhile, and ends every process of it.
    static func with(
        controllers: Int = 2, servers: [String] = ["server1"], _ body: (TestFleet) async throws -> Void
    ) async throws {
        try await PrivateRedis.with(appendOnly: true) { redis in
            try await with(controllers: controllers, servers: servers, at: redis.url, redis, body)
        }
    }

    /// The same with a store beside it, closed whatever happens.
    static func withStore(
        controllers: Int = 0, servers: [String] = ["server1"], _ body: (TestFleet, RedisStore) async throws -> Void
    ) async throws {
        try await with(controllers: controllers, servers: servers) { fleet in
            let threads = RedisThreads()
            let store = try await RedisStore.connect(url: fleet.redis.url, on: threads)
            let result: Result<Void, any Error>
            do { result = .success(try await body(fleet, store)) } catch { result = .failure(error) }
            await store.close()
            await threads.shutdown()
            try result.get()
        }
    }

    /// The same at the address of a cluster or a service, with one of its servers.
    static func with(
        controllers: Int = 2, servers: [String] = ["server1"], at url: String, _ redis: PrivateRedis,
        _ body: (TestFleet) async throws -> Void
    ) async throws {
        let folder = try makeFolder()
        defer { _ = removeFolder(folder) }
        let fleet = TestFleet(url: url, redis: redis, folder: folder)
        do {
            for index in 0..<controllers { try fleet.startController("controller\(index + 1)") }
            for server in servers { try fleet.startAgent(server) }
            try await body(fleet)
            if redis.pid != nil || url != redis.url {
                #expect(try await History.recorded(of: fleet).breaches == [], "\(fleet.logs)")
            }
        } catch {
            await fleet.end()
            throw error
        }
        await fleet.end()
    }

    // MARK: processes

    func startController(_ name: String) throws {
        try start(name, [Programs.path("opscontroller"), "--redis", url, "--name", name])
    }

    /// `name`: of the process, where one server has two agents for a while. `url`: of the Redis, where it is another one's.
    func startAgent(_ server: String, as name: String? = nil, at url: String? = nil) throws {
        let name = name ?? "agent-\(server)"
        mkdir(root(server), 0o755)
        try start(
            name,
            [
                Programs.path("opsagent"), "--redis", url ?? self.url, "--server", server, "--root", root(server),
                "--state",
                "\(folder)/state-\(name)", "--interval", "1",
            ])
    }

    private func start(_ name: String, _ arguments: [String]) throws {
        let pid = try ServerProcess.start(arguments, output: log(name))
        members.withLock { $0[name] = Member(name: name, pid: pid, arguments: arguments) }
    }

    func pid(_ name: String) -> pid_t? { members.withLock { $0[name]?.pid } }

    /// Ends a process by a signal, and waits until it is gone.
    func end(_ name: String, by signal: Int32 = SIGKILL) async {
        guard let pid = pid(name) else { return }
        kill(pid, signal)
        _ = await eventually(within: .seconds(20)) { ServerProcess.hasEnded(pid) }
        members.withLock { $0[name] = nil }
    }

    func signal(_ name: String, _ number: Int32) {
        if let pid = pid(name) { kill(pid, number) }
    }

    private func end() async {
        let all = members.withLock { Array($0.values) }
        for member in all {
            kill(member.pid, SIGCONT)
            kill(member.pid, SIGKILL)
        }
        for member in all { _ = await eventually(within: .seconds(20)) { ServerProcess.hasEnded(member.pid) } }
        // TERM first: workers that nothing names any more (nginx's) end with the one that started them.
        for pid in Self.processes(naming: folder) { kill(pid, SIGTERM) }
        _ = await eventually(within: .seconds(3)) { Self.processes(naming: folder).isEmpty }
        _ = await eventually(within: .seconds(20)) {
            let services = Self.processes(naming: folder)
            for pid in services { kill(pid, SIGKILL) }
            return services.isEmpty
        }
    }

    /// Services outlive their agent: they are found by their fleet's folder, in what they were started with.
    static func processes(naming folder: String) -> [pid_t] {
        guard let processes = opendir("/proc") else { return [] }
        defer { closedir(processes) }
        var found: [pid_t] = []
        while let entry = readdir(processes) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) {
                $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            guard let pid = pid_t(name), pid != getpid() else { continue }
            if ["cmdline", "environ"].contains(where: { readText("/proc/\(pid)/\($0)").contains(folder) }) {
                found.append(pid)
            }
        }
        return found
    }

    // MARK: files

    func root(_ server: String) -> String { "\(folder)/\(server)" }
    func log(_ name: String) -> String { "\(folder)/\(name).log" }
    func text(_ server: String, _ path: String) -> String { readText(root(server) + path) }
    func exists(_ server: String, _ path: String) -> Bool { access(root(server) + path, F_OK) == 0 }

    func write(_ path: String, _ text: String) throws {
        guard let file = fopen(path, "w") else {
            throw SpawnFailure(description: "cannot write \(path): \(String(cString: strerror(errno)))")
        }
        fputs(text, file)
        fclose(file)
    }

    /// Writes a manifest into the fleet's folder, and returns its path.
    func manifest(_ name: String, _ text: String) throws -> String {
        let path = "\(folder)/\(name)"
        try write(path, text)
        return path
    }

    // MARK: what is said

    func opsapply(_ arguments: String..., within limit: Duration = Programs.patience) async throws -> Outcome {
        try await opsapply(arguments: arguments, within: limit)
    }

    func opsapply(arguments: [String], within limit: Duration = Programs.patience) async throws -> Outcome {
        try await Programs.run(
            [Programs.path("opsapply")] + arguments, environment: ["OPS_REDIS_URL": url], folder: folder,
            within: limit)
    }

    /// What a reading command prints as JSON.
    func document(_ arguments: String...) async throws -> JSONValue {
        let outcome = try await Programs.run(
            [Programs.path("opsapply")] + arguments + ["-o", "json"], environment: ["OPS_REDIS_URL": url],
            folder: folder)
        guard outcome.code == 0 else { throw SpawnFailure(description: "\(arguments): \(outcome)") }
        return try JSONValue.parse(outcome.output)
    }

    func redisCommand(_ arguments: String...) async throws -> String {
        // One of a cluster has a port, and says where a key is.
        let place = redis.port == 0 ? ["-s", redis.socketPath] : ["-c", "-p", String(redis.port)]
        let outcome = try await Programs.run(["redis-cli"] + place + arguments, folder: folder)
        guard outcome.code == 0 else { throw SpawnFailure(description: "redis-cli \(arguments): \(outcome)") }
        return outcome.output
    }

    /// The one key that ends with this.
    func key(_ end: String) async throws -> String {
        let keys = try await redisCommand("--raw", "KEYS", "ops:*\(end)").split(separator: "\n")
        guard keys.count == 1 else { throw SpawnFailure(description: "\(keys.count) keys end with \(end)") }
        return String(keys[0])
    }

    /// Ends an agent, and lets its last report be long ago.
    func silence(agentOf server: String) async throws {
        await end("agent-\(server)")
        let shard = StoreLayout.shard(of: server)
        let key = "ops:{s\(shard < 10 ? "0" : "")\(shard)}:heartbeats"
        _ = try await redisCommand("ZADD", key, "1", server)
    }

    func leader() async throws -> LeaderView? { LeaderView(try await document("leader")) }

    /// The leader of a higher epoch than `epoch`.
    func leader(after epoch: Int, within limit: Duration = .seconds(15)) async throws -> LeaderView? {
        var found: LeaderView?
        _ = try await eventually(within: limit) {
            found = try await leader()
            return found.map { $0.epoch > epoch && $0.isHeld } ?? false
        }
        return found.flatMap { $0.epoch > epoch ? $0 : nil }
    }

    /// All that was logged, for the message of a failed expectation.
    var logs: String {
        members.withLock { $0.keys.sorted() }.map { "--- \($0)\n\(readText(log($0)).suffix(3000))" }
            .joined(separator: "\n")
    }
}

/// `opsapply leader -o json`.
struct LeaderView: Sendable {
    var holder: String
    var epoch: Int
    var isHeld: Bool
    var refusedWrites: Int

    init?(_ document: JSONValue) {
        guard case .string(let holder)? = document["holder"], case .int(let epoch)? = document["epoch"],
            case .bool(let isHeld)? = document["held"], case .int(let refused)? = document["refusedWrites"]
        else { return nil }
        self.holder = holder
        self.epoch = epoch
        self.isHeld = isHeld
        self.refusedWrites = refused
    }
}
