// F6, F7, F12, F13, F16 and F17 for runs: executors that are killed or stopped while they do what cannot be seen by looking,
// a store that goes away under them or refuses, leaders that die at the tick. Each effect happens once, or the job says that
// it is in doubt. What needs no executor is in `RunFaultStoreTests`.

import Glibc
import Model
import Redis
import RedisStore
import Store
import TestRedis
import Testing

@Suite(.serialized, .timeLimit(.minutes(5))) struct RunFaultTests {
    private static let own = RunQueue.server("server1")

    private static func job(_ id: String, _ script: String) -> RunJob {
        RunJob(id: id, steps: [.command(RunCommand(command: ["sh", "-c", script]))], origin: "test")
    }

    private static func enqueue(_ jobs: [RunJob], on queue: RunQueue = own, to store: RedisStore) async throws {
        _ = try await store.enqueue(jobs, on: queue, delay: nil, notBefore: nil, lease: nil)
    }

    private static func ends(
        _ id: String, _ state: JobState, on queue: RunQueue = own, within limit: Duration = .seconds(30),
        _ store: RedisStore
    ) async -> Bool {
        await eventually(within: limit) {
            guard let record = try? await store.runs([id], on: queue).first ?? nil else { return false }
            return record.state == state
        }
    }

    private static func killAll(naming folder: String) async {
        _ = await eventually(within: .seconds(20)) {
            let found = TestFleet.processes(naming: folder)
            for pid in found { kill(pid, SIGKILL) }
            return found.isEmpty
        }
    }

    /// Of the job `j`.
    private static func error(on queue: RunQueue = own, _ store: RedisStore) async throws -> String {
        let record = try await store.runs(["j"], on: queue).first ?? nil
        return record?.error ?? ""
    }

    /// Whatever its state, a job is over, and the checker has no complaint.
    private static func judge(
        _ jobs: [RunJob], on queue: RunQueue = own, _ fleet: TestFleet, servers: [String] = ["server1"],
        _ store: RedisStore
    ) async throws {
        let history = { try await RunHistory.recorded(jobs, on: queue, of: fleet, servers: servers, store) }
        _ = try await eventually(within: .seconds(60)) { try await history().breaches.isEmpty }
        let found = try await history().breaches
        #expect(found == [], "\(fleet.logs)")
    }

    /// Ids of jobs, as often as they were done.
    private static func effects(_ fleet: TestFleet) -> [String] {
        fleet.text("server1", "/effects").split(separator: "\n").map(String.init)
    }

    @Test func `F6: the end of a command that outlived its executor is told exactly by the next one`() async throws {
        try await TestFleet.withStore { fleet, store in
            let root = fleet.root("server1")
            let script = "printf x >> count; while [ ! -e go ] && [ -d \(root) ]; do sleep 0.01; done; exit 7"
            try await Self.enqueue([Self.job("j", script)], to: store)
            #expect(await eventually(within: .seconds(20)) { fleet.text("server1", "/count") == "x" }, "\(fleet.logs)")
            await fleet.end("agent-server1")
            // The command ends while nobody is there to see it.
            try fleet.write(root + "/go", "")
            #expect(await eventually(within: .seconds(20)) { TestFleet.processes(naming: root).isEmpty })
            try fleet.startAgent("server1")
            let isDead = try await eventually(within: .seconds(20)) {
                try await store.runs(["j"], on: Self.own).first??.state == .dead
            }
            #expect(isDead, "\(fleet.logs)")
            let record = try #require(try await store.runs(["j"], on: Self.own).first ?? nil)
            #expect(record.exitCode == 7 && record.error == "step 1 of 1, sh: sh exited 7")
            #expect(fleet.text("server1", "/count") == "x", "the effect happened once")
        }
    }

    @Test func `F6: of jobs under an executor that is killed again and again each effect happens once`() async throws {
        let seed = UInt64.random(in: .min ... .max)
        print("seed \(seed)")
        var state = seed
        try await TestFleet.withStore { fleet, store in
            let ids = (0..<60).map { "j\($0)" }
            try await Self.enqueue(ids.map { Self.job($0, "echo \($0) >> effects; sleep 0.05") }, to: store)
            for _ in 0..<6 {
                state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
                let few = Self.effects(fleet).count + 1 + Int(state >> 33) % 9
                _ = await eventually(within: .seconds(20)) { Self.effects(fleet).count >= min(few, ids.count) }
                await fleet.end("agent-server1")
                try fleet.startAgent("server1")
            }
            let isOver = try await eventually(within: .seconds(60)) {
                try await store.runs(ids, on: Self.own).allSatisfy { $0?.state.isOpen == false }
            }
            #expect(isOver, "seed \(seed) \(fleet.logs)")
            let effects = Dictionary(grouping: Self.effects(fleet), by: { $0 })
            for (id, record) in zip(ids, try await store.runs(ids, on: Self.own)) {
                #expect((effects[id]?.count ?? 0) <= 1, "seed \(seed): \(id)")
                switch record?.state {
                case .done: #expect(effects[id]?.count == 1, "seed \(seed): \(id)")
                default: #expect(record?.error?.hasPrefix("in doubt") == true, "seed \(seed): \(id) \(record as Any)")
                }
            }
        }
    }

    // MARK: F7

    /// The first attempt waits and then fails; another one, begun meanwhile, waits too and does it well.
    private static func contested(_ fleet: TestFleet) -> RunJob {
        let mark = fleet.folder
        let script = """
            if mkdir \(mark)/first 2>/dev/null; then name=first; code=5; else mkdir \(mark)/second; name=second; code=0; fi
            while [ ! -e \(mark)/$name.go ] && [ -d \(mark) ]; do sleep 0.01; done; exit $code
            """
        return RunJob(
            id: "j", steps: [.command(RunCommand(command: ["sh", "-c", script]))], origin: "test",
            isRepeatable: true)
    }

    private static func isAtIt(_ which: String, _ fleet: TestFleet) async -> Bool {
        await eventually(within: .seconds(30)) { access("\(fleet.folder)/\(which)", F_OK) == 0 }
    }

    /// While the second attempt is at it the first one ends, and its agent goes on and tells of it: that is refused, and
    /// the second one's result stays.
    private static func firstIsRefused(
        _ fleet: TestFleet, on queue: RunQueue, attempt: Int, _ store: RedisStore
    ) async throws {
        #expect(await isAtIt("second", fleet), "\(fleet.logs)")
        try fleet.write(fleet.folder + "/first.go", "")
        fleet.signal("agent-server1", SIGCONT)
        let isRefused = await eventually(within: .seconds(20)) {
            readText(fleet.log("agent-server1")).contains("attempts of runs were lost")
        }
        #expect(isRefused, "\(fleet.logs)")
        try fleet.write(fleet.folder + "/second.go", "")
        #expect(await ends("j", .done, on: queue, store), "\(fleet.logs)")
        let record = try #require(try await store.runs(["j"], on: queue).first ?? nil)
        #expect(record.exitCode == 0 && record.attempt == attempt, "\(record)")
    }

    @Test func `F7: of a server's queue, what may be repeated is done by another agent, and the first is refused`()
        async throws
    {
        try await TestFleet.withStore { fleet, store in
            try await Self.enqueue([Self.contested(fleet)], to: store)
            #expect(await Self.isAtIt("first", fleet), "\(fleet.logs)")
            fleet.signal("agent-server1", SIGSTOP)
            // Another agent of the server, without the journal of the first.
            try fleet.startAgent("server1", as: "agent-second")
            try await Self.firstIsRefused(fleet, on: Self.own, attempt: 2, store)
        }
    }

    @Test func `F7: of a pool, what may be repeated is done by another server, and the first is refused`() async throws
    {
        try await TestFleet.withStore(servers: ["server1", "server2"]) { fleet, store in
            let pool = try #require(Pool(selector: ["role": "web"]))
            let queue = RunQueue.pool(pool)
            try await store.join(pool, servers: ["server1"])
            try await Self.enqueue([Self.contested(fleet)], on: queue, to: store)
            #expect(await Self.isAtIt("first", fleet), "\(fleet.logs)")
            fleet.signal("agent-server1", SIGSTOP)
            try await store.join(pool, servers: ["server2"])
            try await Self.firstIsRefused(fleet, on: queue, attempt: 2, store)
            let record = try #require(try await store.runs(["j"], on: queue).first ?? nil)
            #expect(record.server == "server2")
        }
    }

    @Test func `F7: of a pool, what may not be repeated is in doubt until its executor says how it ended`() async throws
    {
        try await TestFleet.withStore(servers: ["server1", "server2"]) { fleet, store in
            let pool = try #require(Pool(selector: ["role": "web"]))
            let queue = RunQueue.pool(pool)
            let job = RunHistory.job("j", "while [ ! -e go ]; do sleep 0.01; done")
            try await store.join(pool, servers: ["server1"])
            try await Self.enqueue([job], on: queue, to: store)
            #expect(await eventually(within: .seconds(20)) { fleet.exists("server1", "/effects") }, "\(fleet.logs)")
            fleet.signal("agent-server1", SIGSTOP)
            try await store.join(pool, servers: ["server2"])
            #expect(await Self.ends("j", .dead, on: queue, store), "\(fleet.logs)")
            let doubt = try await Self.error(on: queue, store)
            #expect(doubt.hasPrefix("in doubt: server1"))
            try fleet.write(fleet.root("server1") + "/go", "")
            fleet.signal("agent-server1", SIGCONT)
            #expect(await Self.ends("j", .done, on: queue, store), "\(fleet.logs)")
            try await Self.judge([job], on: queue, fleet, servers: ["server1", "server2"], store)
        }
    }

    @Test func `F7: what is cancelled while its executor is silent is stopped as soon as that is heard of again`()
        async throws
    {
        try await TestFleet.withStore { fleet, store in
            let job = Self.job("j", "echo $$ > pid; while [ -d \(fleet.folder) ]; do sleep 0.01; done")
            try await Self.enqueue([job], to: store)
            let isAtIt = await eventually(within: .seconds(20)) { fleet.text("server1", "/pid").hasSuffix("\n") }
            #expect(isAtIt, "\(fleet.logs)")
            let pid = try #require(pid_t(fleet.text("server1", "/pid").filter(\.isNumber)))
            fleet.signal("agent-server1", SIGSTOP)
            let isOver = try await eventually(within: .seconds(30)) {
                try await store.cancel("j", on: Self.own, lease: nil) == .over(.cancelled)
            }
            #expect(isOver && kill(pid, 0) == 0)
            fleet.signal("agent-server1", SIGCONT)
            #expect(await eventually(within: .seconds(20)) { kill(pid, 0) != 0 }, "\(fleet.logs)")
            #expect(await Self.ends("j", .cancelled, store))
        }
    }

    // MARK: F12, F13

    @Test func `F12: after Redis was killed under a blocking call, jobs are taken again without a restart`()
        async throws
    {
        try await TestFleet.withStore { fleet, store in
            var jobs: [RunJob] = []
            for round in 0..<3 {
                jobs.append(RunHistory.job("before\(round)", "sleep 0.5"))
                try await Self.enqueue([jobs[jobs.count - 1]], to: store)
                _ = await eventually(within: .seconds(20)) {
                    fleet.text("server1", "/effects").contains("before\(round)")
                }
                await fleet.redis.kill9()
                try await fleet.redis.startAgain()
                let began = ContinuousClock.now
                let next = RunHistory.job("after\(round)")
                jobs.append(next)
                let isIn = await eventually { (try? await Self.enqueue([next], to: store)) != nil }
                #expect(isIn)
                #expect(await Self.ends(next.id, .done, within: .seconds(8), store), "\(fleet.logs)")
                print("F12, killed: taken after \(ContinuousClock.now - began)")
            }
            try await Self.judge(jobs, fleet, store)
        }
    }

    @Test func `F12: with its connections half open, an agent finds the Redis that took the place of the other`()
        async throws
    {
        try await TestFleet.withStore { fleet, old in
            try await Self.enqueue([RunHistory.job("before")], to: old)
            #expect(await Self.ends("before", .done, old), "\(fleet.logs)")
            let before = try #require(fleet.redis.pid)
            defer { kill(before, SIGKILL) }
            // It is there and answers nothing; another with its data takes its place at the same address.
            fleet.redis.pause()
            try await fleet.redis.startAgain()
            let began = ContinuousClock.now
            let threads = RedisThreads()
            let store = try await RedisStore.connect(url: fleet.redis.url, on: threads)
            let job = RunHistory.job("j")
            try await Self.enqueue([job], to: store)
            // Two seconds is the aim; with a command's own deadline it would be five.
            let isDone = await Self.ends("j", .done, within: .seconds(4), store)
            print("F12, half open: taken after \(ContinuousClock.now - began)")
            #expect(isDone, "\(fleet.logs)")
            try await Self.judge([job], fleet, store)
            await store.close()
            await threads.shutdown()
        }
    }

    @Test(arguments: ["READONLY", "NOREPLICAS"])
    func `F13: an end that Redis refuses is told again, and the job is not stuck`(_ refusal: String) async throws {
        try await TestFleet.withStore { fleet, store in
            let job = RunHistory.job("j", "while [ ! -e go ]; do sleep 0.01; done")
            try await Self.enqueue([job], to: store)
            #expect(await eventually(within: .seconds(20)) { fleet.exists("server1", "/effects") }, "\(fleet.logs)")
            if refusal == "READONLY" {
                _ = try await fleet.redisCommand("REPLICAOF", "127.0.0.1", "1")
            } else {
                _ = try await fleet.redisCommand("CONFIG", "SET", "min-replicas-to-write", "1")
            }
            try fleet.write(fleet.root("server1") + "/go", "")
            let hasSaidSo = await eventually(within: .seconds(20)) {
                readText(fleet.log("agent-server1")).contains("the store does not answer")
            }
            #expect(hasSaidSo, "\(fleet.logs)")
            _ = try await fleet.redisCommand("CONFIG", "SET", "min-replicas-to-write", "0")
            _ = try await fleet.redisCommand("REPLICAOF", "NO", "ONE")
            #expect(await Self.ends("j", .done, within: .seconds(8), store), "\(fleet.logs)")
            try await Self.judge([job], fleet, store)
        }
    }

    // MARK: F16

    @Test func `F16: a job in doubt is done once more when a person wants it, and its id is free after a purge`()
        async throws
    {
        try await TestFleet.withStore { fleet, store in
            let root = fleet.root("server1")
            let job = Self.job("j", "echo j >> effects; while [ ! -e go ] && [ -d \(root) ]; do sleep 0.01; done")
            try await Self.enqueue([job], to: store)
            #expect(await eventually(within: .seconds(20)) { Self.effects(fleet).count == 1 }, "\(fleet.logs)")
            await fleet.end("agent-server1")
            // The machine died with all of it: nobody saw the end.
            await Self.killAll(naming: root)
            try fleet.startAgent("server1")
            #expect(await Self.ends("j", .dead, store), "\(fleet.logs)")
            let doubt = try await Self.error(store)
            #expect(doubt.hasPrefix("in doubt"))
            try fleet.write(root + "/go", "")
            #expect(try await store.retry("j", on: Self.own))
            #expect(await Self.ends("j", .done, store), "\(fleet.logs)")
            #expect(Self.effects(fleet).count == 2)
            #expect(try await store.purge(["j"], on: Self.own) == 1)
            try await Self.enqueue([job], to: store)
            #expect(await Self.ends("j", .done, store), "\(fleet.logs)")
            #expect(Self.effects(fleet).count == 3)
        }
    }

    @Test func `A cancellation that races with the end leaves each job over, and what never began without effect`()
        async throws
    {
        try await TestFleet.withStore { fleet, store in
            let jobs = (0..<40).map { RunHistory.job("j\($0)", "sleep 0.02") }
            try await Self.enqueue(jobs, to: store)
            for job in jobs.reversed() { _ = try await store.cancel(job.id, on: Self.own, lease: nil) }
            try await Self.judge(jobs, fleet, store)
            let left = Set(RunHistory.effects(in: fleet.text("server1", "/effects")).map(\.id))
            for case let record? in try await store.runs(jobs.map(\.id), on: Self.own) where record.attempt == 0 {
                #expect(record.state == .cancelled && !left.contains(record.job.id), "\(record)")
            }
        }
    }

    // MARK: F17

    @Test func `F17: of leaders that are killed at the tick, each time of a schedule is run once and none is left out`()
        async throws
    {
        try await TestFleet.withStore(controllers: 3) { fleet, store in
            let servers = try fleet.manifest("servers.json", Manifests.servers(["server1"]))
            let schedule = try fleet.manifest(
                "tick.json",
                """
                { "apiVersion": "ops/v1", "kind": "Schedule", "metadata": { "name": "tick" },
                  "spec": { "at": "* * * * * *", "overlap": "allow", "missed": "all", "on": { "servers": ["server1"] },
                            "run": { "steps": [{ "command": ["sh", "-c", "echo $0 >> effects", "${run.id}"] }] } } }
                """)
            let applied = try await fleet.opsapply("apply", servers, schedule)
            #expect(applied.code == 0, "\(applied)\n\(fleet.logs)")
            var kills = 0
            for count in 1...7 {
                let isTicking = await eventually(within: .seconds(20)) { Set(Self.effects(fleet)).count >= count }
                #expect(isTicking, "\(fleet.logs)")
                guard let leader = try await fleet.leader(), leader.isHeld, fleet.pid(leader.holder) != nil else {
                    continue
                }
                await fleet.end(leader.holder)
                kills += 1
                try fleet.startController(leader.holder)
            }
            #expect(kills >= 4, "\(kills) leaders were killed")
            let deleted = try await fleet.opsapply("delete", "schedule/tick", "--yes", "--wait")
            #expect(deleted.code == 0, "\(deleted)")
            let isQuiet = try await eventually(within: .seconds(20)) {
                try await store.runs(on: Self.own, limit: 100).allSatisfy { !$0.state.isOpen }
            }
            #expect(isQuiet, "\(fleet.logs)")
            let ticks = Self.effects(fleet).sorted()
            #expect(Set(ticks).count == ticks.count, "none twice: \(ticks)")
            let times = try await store.runs(on: Self.own, limit: 100).compactMap(\.job.scheduledFor).sorted()
            #expect(times.count == ticks.count)
            for (first, second) in zip(times, times.dropFirst()) {
                #expect(second - first == .seconds(1), "none is missing: \(ticks)")
            }
        }
    }
}
