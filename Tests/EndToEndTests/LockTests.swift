// `opsapply lock` as cron would use it: real processes, a real Redis.

import Glibc
import JSON
import TestRedis
import Testing

@Suite(.timeLimit(.minutes(3))) struct LockTests {
    /// A Redis, a folder and the program.
    struct Bench {
        let redis: PrivateRedis
        let folder: String

        private var command: [String] { ["env", "OPS_REDIS_URL=\(redis.url)", Programs.path("opsapply")] }

        func run(_ arguments: [String]) async throws -> Outcome {
            try await Programs.run(command + arguments, folder: folder)
        }

        /// A shell script under a lock; its own folder is the first argument.
        func locked(_ script: String, _ options: String...) async throws -> Outcome {
            try await run(["lock", "backup"] + options + ["--", "sh", "-c", script, "sh", folder])
        }

        /// The numbers of the files that `opsapply` is started with, and of those that its command has.
        func files() async throws -> (String, String) {
            let list = "ls /proc/$$/fd"
            let script = "\(list) >\(folder)/before; exec \"$@\""
            let locked = ["lock", "backup", "--", "sh", "-c", "\(list); true"]
            let outcome = try await Programs.run(["sh", "-c", script, "sh"] + command + locked, folder: folder)
            return (text("before"), outcome.output)
        }

        /// The same, left running; the process id of `opsapply`.
        func start(_ script: String, _ options: String...) throws -> pid_t {
            let arguments = ["lock", "backup"] + options + ["--", "sh", "-c", script, "sh", folder]
            return try ServerProcess.start(command + arguments, output: "\(folder)/out", errors: "\(folder)/err")
        }

        func text(_ name: String) -> String { readText("\(folder)/\(name)") }

        /// The processes of the command that `waiting` runs, once they run.
        func pids() async throws -> [pid_t] {
            #expect(await eventually { text("pids").split(separator: "\n").count == 2 }, "\(text("err"))")
            return text("pids").split(separator: "\n").compactMap { pid_t($0) }
        }

        func end(of pid: pid_t) async -> Int32? {
            var code: Int32?
            _ = await eventually(within: .seconds(20)) {
                code = ServerProcess.exitCode(pid)
                return code != nil
            }
            return code
        }

        func redisCommand(_ words: String...) async throws -> String {
            try await Programs.run(["redis-cli", "-s", redis.socketPath] + words, folder: folder).output
        }

        /// The key of the lock.
        func key() async throws -> String {
            let keys = try await redisCommand("--raw", "KEYS", "ops:*:lock:backup")
            return try #require(keys.split(separator: "\n").first.map(String.init))
        }
    }

    /// A command with a child of its own; neither ends by itself.
    private static let waiting = "sleep 1000 & printf '%s\\n%s\\n' $$ $! >$1/pids; wait"
    /// The same, deaf to everything but KILL.
    private static let deaf = "trap '' TERM INT HUP; " + waiting + "; wait; sleep 1000"

    private func withBench(_ body: (Bench) async throws -> Void) async throws {
        try await PrivateRedis.with { redis in
            let folder = try makeFolder()
            defer { _ = removeFolder(folder) }
            try await body(Bench(redis: redis, folder: folder))
        }
    }

    /// Whether it is there and no zombie that nobody collects.
    private static func runs(_ pid: pid_t) -> Bool {
        let stat = readText("/proc/\(pid)/stat")
        guard let end = stat.lastIndex(of: ")") else { return false }
        return !stat[end...].hasPrefix(") Z") && !stat[end...].hasPrefix(") X")
    }

    private func allGone(_ pids: [pid_t]) async -> Bool {
        await eventually(within: .seconds(20)) { pids.allSatisfy { !Self.runs($0) } }
    }

    @Test func `Of ten that begin at once, one runs, and the others say who did`() async throws {
        try await withBench { bench in
            let outcomes = try await withThrowingTaskGroup(of: Outcome.self) { group in
                for number in 0..<10 {
                    group.addTask {
                        try await bench.locked("echo ran >>$1/log", "--once-in", "1h", "--holder", "cron-\(number)")
                    }
                }
                return try await group.reduce(into: []) { $0.append($1) }
            }
            #expect(bench.text("log") == "ran\n")
            #expect(outcomes.allSatisfy { $0.code == 0 }, "\(outcomes)")
            let told = outcomes.filter { $0.errors.hasPrefix("opsapply: not run: backup was begun ") }
            #expect(told.count == 9, "\(outcomes)")
            #expect(told.allSatisfy { $0.errors.contains("by cron-") }, "\(outcomes)")
        }
    }

    @Test func `Who does not get a lock that is held is told by whom, with exit code 3, or waits for it`() async throws
    {
        try await withBench { bench in
            let first = try bench.start("echo a >>$1/log; while [ ! -e $1/go ]; do sleep 0.01; done", "--holder", "ann")
            #expect(await eventually { bench.text("log") == "a\n" }, "\(bench.text("err"))")
            let refused = try await bench.locked("echo b >>$1/log")
            #expect(refused.code == 3 && refused.errors.hasPrefix("opsapply: the lock backup is held by ann, begun "))
            #expect(refused.errors.split(separator: "\n").count == 1 && refused.output.isEmpty, "\(refused)")
            let listed = try JSONValue.parse(try await bench.run(["locks", "-o", "json"]).output)["locks"]?[0]
            #expect(listed?["name"] == "backup" && listed?["holder"] == "ann" && listed?["held"] == true)
            async let waited = bench.locked("touch $1/go; echo c >>$1/log", "--wait", "1m")
            let late = try await bench.locked("echo d >>$1/log", "--wait", "10ms")
            #expect(late.code == 3, "\(late)")
            _ = try await Programs.run(["touch", "\(bench.folder)/go"], folder: bench.folder)
            #expect(try await waited.code == 0)
            #expect(await bench.end(of: first) == 0 && bench.text("log") == "a\nc\n")
            let table = try await bench.run(["locks"])
            #expect(table.output.contains("free") && table.code == 0, "\(table)")
        }
    }

    @Test(arguments: [
        ("exit 0", 0), ("exit 7", 7), ("kill -KILL $$", 137), ("kill -TERM $$", 143), ("exit 255", 255),
    ])
    func `The exit code of the command is that of opsapply`(_ script: String, _ code: Int32) async throws {
        try await withBench { bench in
            let outcome = try await bench.locked(script)
            #expect(outcome.code == code && outcome.errors.isEmpty && outcome.output.isEmpty, "\(outcome)")
        }
    }

    @Test func `The command has its arguments as they are, the epoch, its files, and no shell between`() async throws {
        try await withBench { bench in
            let words = ["$HOME; echo `id`", "*", "", "--wait"]
            let outcome = try await bench.run(["lock", "a.b_C-1", "--", "printf", "[%s]"] + words)
            #expect(outcome.output == "[$HOME; echo `id`][*][][--wait]" && outcome.code == 0, "\(outcome)")
            let files = try await bench.files()
            let (before, after) = (files.0.split(separator: "\n"), files.1.split(separator: "\n"))
            let ours = after.filter { !before.contains($0) }
            #expect(after.count > 2 && ours.isEmpty, "no file of ours is the command's")
            let show = #"echo "$REDOPS_LOCK $REDOPS_LOCK_EPOCH $REDOPS_LOCK_NONCE"; echo err >&2; cat"#
            let first = try await bench.locked(show)
            let second = try await bench.locked(show)
            let (one, two) = (first.output.split(separator: " "), second.output.split(separator: " "))
            try #require(one.count == 3 && two.count == 3, "\(first) \(second)")
            #expect(one[0] == "backup" && one[2] != two[2] && first.errors == "err\n", "\(first) \(second)")
            let epochs = (Int(one[1]) ?? 0, Int(two[1]) ?? 0)
            #expect(epochs.0 > 1_600_000_000_000 && epochs.1 > epochs.0)
        }
    }

    @Test func `What cannot be run is said at once and does not count as begun`() async throws {
        try await withBench { bench in
            for (program, code) in [("no-such-program", 127), ("/nonexistent/x", 127), ("/etc/passwd", 126)] {
                let outcome = try await bench.run(["lock", "backup", "--once-in", "1h", "--", program])
                #expect(outcome.code == Int32(code) && outcome.errors.contains(program), "\(outcome)")
                #expect(outcome.errors.split(separator: "\n").count == 1, "\(outcome)")
            }
            #expect(try await bench.locked("echo ran", "--once-in", "1h").output == "ran\n")
        }
    }

    @Test(arguments: ["delete", "overwrite"], [waiting, deaf])
    func `A lost lease ends the command and what it started`(_ how: String, _ script: String) async throws {
        try await withBench { bench in
            let pid = try bench.start(script, "--ttl", "1s")
            let pids = try await bench.pids()
            let key = try await bench.key()
            if how == "delete" {
                _ = try await bench.redisCommand("DEL", key)
            } else {
                _ = try await bench.redisCommand("HSET", key, "nonce", "another")
            }
            #expect(await bench.end(of: pid) == 1)
            #expect(await allGone(pids))
            let errors = bench.text("err")
            #expect(errors.hasPrefix("opsapply: lost the lock backup: ") && errors.split(separator: "\n").count == 1)
        }
    }

    @Test(arguments: [waiting, deaf])
    func `Without Redis the command is ended before its lease is`(_ script: String) async throws {
        try await withBench { bench in
            let pid = try bench.start(script, "--ttl", "2s")
            let pids = try await bench.pids()
            let clock = ContinuousClock()
            let began = clock.now
            bench.redis.pause()
            #expect(await allGone(pids))
            // The lease was renewed before that, and nothing is left when it ends; a second is for a busy machine.
            #expect(clock.now - began < .seconds(3))
            bench.redis.resume()
            #expect(await bench.end(of: pid) == 1)
            #expect(bench.text("err").hasPrefix("opsapply: lost the lock backup: "), "\(bench.text("err"))")
        }
    }

    @Test func `Redis that comes back within the lease costs nothing`() async throws {
        try await PrivateRedis.with(appendOnly: true) { redis in
            let folder = try makeFolder()
            defer { _ = removeFolder(folder) }
            let bench = Bench(redis: redis, folder: folder)
            let pid = try bench.start("echo a >>$1/log; while [ ! -e $1/go ]; do sleep 0.01; done", "--ttl", "20s")
            #expect(await eventually { bench.text("log") == "a\n" })
            let before = try await bench.redisCommand("--raw", "HGET", bench.key(), "expiresAt")
            await redis.stop()
            try await redis.startAgain()
            let isRenewed = try await eventually(within: .seconds(20)) {
                try await bench.redisCommand("--raw", "HGET", bench.key(), "expiresAt") != before
            }
            #expect(isRenewed)
            _ = try await Programs.run(["touch", "\(folder)/go"], folder: folder)
            #expect(await bench.end(of: pid) == 0, "\(bench.text("err"))")
        }
    }

    @Test(arguments: [waiting, deaf])
    func `kill -9 of opsapply leaves nothing of the command`(_ script: String) async throws {
        try await withBench { bench in
            let pid = try bench.start(script, "--ttl", "2s")
            let pids = try await bench.pids()
            kill(pid, SIGKILL)
            #expect(await allGone(pids))
            #expect(await bench.end(of: pid) == 137)
            // The lease ends by itself.
            #expect(try await bench.locked("echo next", "--wait", "20s").output == "next\n")
        }
    }

    @Test func `Where the guardian is killed too, the kernel still kills the command`() async throws {
        try await withBench { bench in
            let pid = try bench.start(Self.deaf)
            let pids = try await bench.pids()
            let listed = try await Programs.run(["sh", "-c", "cat /proc/\(pid)/task/*/children"], folder: bench.folder)
            let children = listed.output.split { !$0.isNumber }.compactMap { pid_t($0) }
            let guardian = try #require(children.first { !pids.contains($0) }, "\(listed)")
            kill(guardian, SIGKILL)
            kill(pid, SIGKILL)
            #expect(await allGone([pids[0]]))
            kill(pids[1], SIGKILL)
            #expect(await bench.end(of: pid) == 137)
        }
    }

    @Test(arguments: [SIGTERM, SIGINT, SIGHUP])
    func `Signals to opsapply are the command's, and its answer to them is passed on`(_ number: Int32) async throws {
        try await withBench { bench in
            let script = "trap 'exit 5' TERM INT HUP; echo $$ >$1/pid; while :; do sleep 0.01; done"
            let pid = try bench.start(script)
            #expect(await eventually { !bench.text("pid").isEmpty })
            kill(pid, number)
            #expect(await bench.end(of: pid) == 5)
            #expect(try await bench.locked("exit 0").code == 0)
        }
    }

    @Test(arguments: [
        ["lock", "", "--", "true"], ["lock", "a b", "--", "true"], ["lock", "a{b}", "--", "true"],
        ["lock", "a\u{1b}[31m", "--", "true"], ["lock", ".a", "--", "true"],
        ["lock", String(repeating: "x", count: 129), "--", "true"], ["lock", "a/b", "--", "true"], ["lock", "a"],
        ["lock", "a", "true"], ["lock", "a", "--"], ["lock", "a", "--ttl", "10ms", "--", "true"],
        ["lock", "a", "--ttl", "2h", "--", "true"], ["lock", "a", "--once-in", "31d", "--", "true"],
        ["lock", "a", "--holder", "x\ny", "--", "true"], ["lock", "a", "--wait", "soon", "--", "true"],
    ])
    func `A name or an option that cannot be is exit code 64, and nothing is run`(_ arguments: [String]) async throws {
        try await withBench { bench in
            let outcome = try await bench.run(arguments)
            #expect(outcome.code == 64 && outcome.output.isEmpty, "\(outcome)")
            #expect(!outcome.errors.contains("\u{1b}"), "\(outcome)")
            #expect(try await bench.redisCommand("--raw", "KEYS", "*lock*") == "\n")
        }
    }

    @Test func `Without a Redis nothing is run`() async throws {
        let folder = try makeFolder()
        defer { _ = removeFolder(folder) }
        let outcome = try await Programs.run(
            [
                Programs.path("opsapply"), "lock", "backup", "--redis", "unix:///nonexistent/redis.sock", "--", "touch",
                "\(folder)/ran",
            ], folder: folder)
        #expect(outcome.code == 1 && outcome.errors.contains("/nonexistent/redis.sock"), "\(outcome)")
        #expect(access("\(folder)/ran", F_OK) != 0)
    }
}
