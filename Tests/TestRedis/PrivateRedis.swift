// A redis-server of a test's own: on a unix socket in a temporary folder, so that nothing on the machine can collide with
// it, and gone with the test process, however that ends.
//
// Guarantees: `start` and `restart` return when the server answers; `stop` and `kill9` when the process is gone.

public import Glibc
internal import Synchronization

public final class PrivateRedis: Sendable {
    /// The server of the suite that carries the trait `.privateRedis`.
    @TaskLocal public static var current: PrivateRedis?

    /// How long a server may take to answer after its start, or to end.
    static let patience: Duration = .seconds(20)

    public let folder: String
    public let socketPath: String
    /// The TCP port on 127.0.0.1; 0 for none.
    public let port: Int
    public let appendOnly: Bool
    private let options: [String]
    private let process = Mutex<pid_t?>(nil)

    /// `unix:///…/redis.sock`
    public var url: String { "unix://\(socketPath)" }

    /// The process id, as long as the server runs.
    public var pid: pid_t? { process.withLock { $0 } }

    private init(folder: String, port: Int, appendOnly: Bool, options: [String]) {
        self.folder = folder
        self.socketPath = "\(folder)/redis.sock"
        self.port = port
        self.appendOnly = appendOnly
        self.options = options
    }

    deinit {
        if let pid {
            kill(pid, SIGKILL)
            var status: Int32 = 0
            waitpid(pid, &status, 0)
        }
        _ = removeFolder(folder)
    }

    /// Starts a server and waits until it answers. `options` are further arguments of redis-server.
    public static func start(
        port: Int = 0, appendOnly: Bool = false, options: [String] = []
    ) async throws -> PrivateRedis {
        let server = PrivateRedis(
            folder: try makeFolder(), port: port, appendOnly: appendOnly, options: options)
        try await server.launch()
        return server
    }

    /// Starts a sentinel on a TCP port that watches one primary on 127.0.0.1, alone and impatiently.
    public static func startSentinel(port: Int, of service: String, primaryPort: Int) async throws -> PrivateRedis {
        let server = PrivateRedis(folder: try makeFolder(), port: port, appendOnly: false, options: [])
        let settings = """
            port \(port)
            bind 127.0.0.1
            unixsocket \(server.socketPath)
            dir \(server.folder)
            sentinel monitor \(service) 127.0.0.1 \(primaryPort) 1
            sentinel down-after-milliseconds \(service) 500
            sentinel failover-timeout \(service) 5000

            """
        try writeText(settings, to: "\(server.folder)/sentinel.conf")
        try await server.launch(["redis-server", "\(server.folder)/sentinel.conf", "--sentinel"])
        return server
    }

    /// A TCP port of 127.0.0.1 that was free a moment ago, low enough for a cluster's second port above it.
    public static func freePort() throws -> Int {
        for _ in 0..<64 {
            let port = Int.random(in: 20_000..<30_000)
            if ServerProbe.isFree(port), ServerProbe.isFree(port + 10_000) { return port }
        }
        throw SpawnFailure(description: "found no free TCP port between 20000 and 30000")
    }

    /// Runs a body with a server that is stopped afterwards, however the body ends.
    public static func with<Value>(
        port: Int = 0, appendOnly: Bool = false, options: [String] = [],
        _ body: (PrivateRedis) async throws -> Value
    ) async throws -> Value {
        let server = try await start(port: port, appendOnly: appendOnly, options: options)
        do {
            let value = try await body(server)
            await server.kill9()
            return value
        } catch {
            await server.kill9()
            throw error
        }
    }

    /// Ends the server as `SHUTDOWN` would, after it has written what it persists.
    public func stop() async { await end(by: SIGTERM) }

    /// Ends the server as a crash would.
    public func kill9() async { await end(by: SIGKILL) }

    /// Starts the server again in the same folder: with `appendOnly` it has its data again, otherwise it is empty.
    public func restart() async throws {
        await kill9()
        try await launch()
    }

    /// Starts a server that was stopped or killed.
    public func startAgain() async throws { try await launch() }

    /// Makes the server hang: connections stay open, nothing is answered.
    public func pause() { signal(SIGSTOP) }

    /// Ends a `pause`.
    public func resume() { signal(SIGCONT) }

    /// What it answers to a command, as `redis-cli` prints it where nobody looks: without quotes and types.
    public func ask(_ words: String...) async throws -> String { try await ask(words) }

    public func ask(_ words: [String]) async throws -> String {
        let path = "\(folder)/asked-\(UInt64.random(in: .min ... .max))"
        defer { unlink(path) }
        let pid = try ServerProcess.start(["redis-cli", "-e", "-s", socketPath] + words, output: path)
        var code: Int32?
        _ = await eventually(within: Self.patience) {
            code = ServerProcess.exitCode(pid)
            return code != nil
        }
        let answer = readText(path)
        guard code == 0 else { throw SpawnFailure(description: "\(words): \(answer)") }
        return answer.hasSuffix("\n") ? String(answer.dropLast()) : answer
    }

    /// Waits until this replica has all that its primary has acknowledged by now.
    func follow(_ primary: PrivateRedis) async throws {
        let written = try await primary.replicated("master_repl_offset")
        let hasAll = try await eventually(within: Self.patience) {
            try await replicated("slave_repl_offset") >= written
        }
        guard hasAll else { throw SpawnFailure(description: "a replica did not come to have all of its primary") }
    }

    private func replicated(_ field: String) async throws -> Int {
        let lines = try await ask("INFO", "replication").split(whereSeparator: \.isNewline)
        return lines.first { $0.hasPrefix(field + ":") }.flatMap { Int($0.dropFirst(field.count + 1)) } ?? 0
    }

    /// What the server wrote to its log.
    public var log: String { readText("\(folder)/redis.log") }

    private func signal(_ number: Int32) {
        if let pid { kill(pid, number) }
    }

    private func launch() async throws {
        let arguments = [
            "redis-server", "--port", String(port), "--bind", "127.0.0.1", "--unixsocket", socketPath, "--dir", folder,
            "--save", "", "--appendonly", appendOnly ? "yes" : "no", "--daemonize", "no", "--databases", "16",
        ]
        try await launch(arguments + options)
    }

    private func launch(_ arguments: [String]) async throws {
        unlink(socketPath)
        let pid = try ServerProcess.start(arguments, output: "\(folder)/redis.log")
        process.withLock { $0 = pid }
        let ready = await eventually(within: Self.patience) { ServerProbe.answers(socketPath) }
        guard ready else {
            await kill9()
            throw SpawnFailure(description: "redis-server did not answer within \(Self.patience); its log:\n\(log)")
        }
    }

    private func end(by number: Int32) async {
        guard let pid else { return }
        kill(pid, number)
        kill(pid, SIGCONT)
        let ended = await eventually(within: Self.patience) { ServerProcess.hasEnded(pid) }
        if !ended {
            kill(pid, SIGKILL)
            var status: Int32 = 0
            waitpid(pid, &status, 0)
        }
        process.withLock { $0 = nil }
    }
}
