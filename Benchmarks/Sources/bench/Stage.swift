// Where a benchmark plays: a private redis-server on a unix socket, a store on it, and processes of the built programs.
// All of it ends with the benchmark.

import Glibc
import Model
import Redis
import RedisStore
import Store
import Synchronization
import TestRedis

final class Stage: Sendable {
    let redis: PrivateRedis
    let store: RedisStore
    let folder: String
    private let threads: RedisThreads
    private let processes = Mutex<[String: pid_t]>([:])

    /// The folder of the programs that are measured.
    static let programs: String = getenv("REDOPS_PROGRAMS").map { String(cString: $0) } ?? ".build/redops"

    private init(redis: PrivateRedis, store: RedisStore, threads: RedisThreads, folder: String) {
        self.redis = redis
        self.store = store
        self.threads = threads
        self.folder = folder
    }

    static func with<Value>(
        appendOnly: Bool = false, _ body: (Stage) async throws -> Value
    ) async throws -> Value {
        let folder = try makeFolder()
        defer { _ = removeFolder(folder) }
        return try await PrivateRedis.with(appendOnly: appendOnly) { redis in
            let threads = RedisThreads()
            let store = try await RedisStore.connect(url: redis.url, on: threads)
            let stage = Stage(redis: redis, store: store, threads: threads, folder: folder)
            let result: Result<Value, any Error>
            do { result = .success(try await body(stage)) } catch { result = .failure(error) }
            await stage.endAll()
            await store.close()
            await threads.shutdown()
            return try result.get()
        }
    }

    // MARK: processes

    static func program(_ name: String) throws -> String {
        let path = "\(programs)/\(name)"
        guard access(path, X_OK) == 0 else { throw Problem("\(path) is not there; run scripts/build-release") }
        return path
    }

    func startController(_ name: String) throws {
        try start(name, [Self.program("opscontroller"), "--redis", redis.url, "--name", name, "--log-level", "error"])
    }

    func startAgent(_ server: String, root: String, interval: String = "5") throws {
        mkdir(root, 0o755)
        try start(
            "agent-\(server)",
            [
                Self.program("opsagent"), "--redis", redis.url, "--server", server, "--root", root, "--state",
                "\(folder)/state-\(server)", "--interval", interval, "--log-level", "error",
            ])
    }

    private func start(_ name: String, _ arguments: [String]) throws {
        let pid = try ServerProcess.start(arguments, output: "\(folder)/\(name).log")
        processes.withLock { $0[name] = pid }
    }

    func pid(_ name: String) throws -> pid_t {
        guard let pid = processes.withLock({ $0[name] }) else { throw Problem("\(name) does not run") }
        return pid
    }

    func end(_ name: String, by signal: Int32 = SIGKILL) async {
        guard let pid = processes.withLock({ $0.removeValue(forKey: name) }) else { return }
        kill(pid, signal)
        _ = await eventually(within: .seconds(20)) { ServerProcess.hasEnded(pid) }
    }

    private func endAll() async {
        for name in processes.withLock({ Array($0.keys) }) { await end(name) }
        for pid in Self.processes(whose: "cmdline", contains: folder) { kill(pid, SIGKILL) }
        for pid in Self.processes(whose: "environ", contains: folder) { kill(pid, SIGKILL) }
    }

    /// Ids of processes by what one of their files in /proc says.
    static func processes(whose file: String, contains text: String) -> [pid_t] {
        guard let folder = opendir("/proc") else { return [] }
        defer { closedir(folder) }
        var found: [pid_t] = []
        while let entry = readdir(folder) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) {
                $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            guard let pid = pid_t(name), pid != getpid() else { continue }
            if readText("/proc/\(pid)/\(file)").contains(text) { found.append(pid) }
        }
        return found
    }

    /// Resident memory in bytes.
    static func resident(_ pid: pid_t) throws -> Int {
        for line in readText("/proc/\(pid)/status").split(separator: "\n") where line.hasPrefix("VmRSS:") {
            let words = line.split(whereSeparator: { $0 == " " || $0 == "\t" })
            if words.count > 1, let kilobytes = Int(words[1]) { return kilobytes * 1024 }
        }
        throw Problem("process \(pid) has no VmRSS: it ended")
    }

    /// Processor time used so far, of all its threads.
    static func processorTime(_ pid: pid_t) throws -> Duration {
        let stat = readText("/proc/\(pid)/stat")
        guard let close = stat.lastIndex(of: ")") else { throw Problem("process \(pid) ended") }
        let words = stat[stat.index(after: close)...].split(separator: " ")
        guard words.count > 12, let user = Int(words[11]), let system = Int(words[12]) else {
            throw Problem("/proc/\(pid)/stat: expected times, found \(stat)")
        }
        return .milliseconds((user + system) * 1000 / sysconf(Int32(_SC_CLK_TCK)))
    }

    /// What Redis says that it uses, in bytes.
    func memory() async throws -> Int {
        let client = RedisClient(try RedisURL(redis.url), on: threads)
        let reply = try await client.send(RedisCommand("INFO", ["memory"])).string ?? ""
        await client.close()
        for line in reply.split(whereSeparator: \.isNewline) where line.hasPrefix("used_memory:") {
            if let bytes = Int(line.dropFirst(12)) { return bytes }
        }
        throw Problem("INFO memory named no used_memory")
    }

    /// Processor time that Redis used so far.
    func redisTime() throws -> Duration {
        guard let pid = redis.pid else { throw Problem("Redis does not run") }
        return try Self.processorTime(pid)
    }

    // MARK: waiting

    func waitForLeader(after epoch: Int64 = 0, within limit: Duration = .seconds(60)) async throws -> LeaseView {
        var view: LeaseView?
        let isThere = try await eventually(within: limit) {
            view = try await store.leader()
            return view.map { $0.isHeld && $0.lease.epoch > epoch } ?? false
        }
        guard isThere, let view else { throw Problem("no leader within \(limit)") }
        return view
    }

    func pause(_ duration: Duration) async { try? await ContinuousClock().sleep(for: duration) }

    /// Runs a program to its end under `/usr/bin/time`; seconds, and the most memory that it had, in bytes.
    func timed(_ arguments: [String], code: Int32 = 0) async throws -> (seconds: Double, bytes: Int) {
        let name = "\(folder)/timed"
        for end in [".out", ".err", ".time"] { unlink(name + end) }
        let (duration, ended) = try await measure {
            let pid = try ServerProcess.start(
                ["/usr/bin/time", "-o", name + ".time", "-f", "%e %M", "env", "OPS_REDIS_URL=\(redis.url)"] + arguments,
                output: name + ".out", errors: name + ".err")
            var found: Int32?
            _ = await eventually(within: .seconds(300)) {
                found = ServerProcess.exitCode(pid)
                return found != nil
            }
            return found
        }
        guard ended == code else {
            throw Problem(
                "\(arguments.joined(separator: " ")): exit code \(ended.map(String.init) ?? "none"): "
                    + readText(name + ".err").suffix(400) + readText(name + ".out").suffix(200))
        }
        let words = readText(name + ".time").split(whereSeparator: { $0 == " " || $0 == "\n" }).suffix(2)
        guard let kilobytes = words.last.flatMap({ Int($0) }) else { throw Problem("/usr/bin/time said nothing") }
        return (duration.milliseconds / 1000, kilobytes * 1024)
    }
}
