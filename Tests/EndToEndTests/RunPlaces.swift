// What the tests of runs on a cluster and behind Sentinel share: jobs on every kind of queue and a Schedule that fires each
// second, while the place of what they lie in changes, and the judgement of both.

import Glibc
import Model
import Redis
import RedisStore
import Store
import TestRedis
import Testing

struct RunPlaces: Sendable {
    static let servers = ["server1", "server2"]
    /// In the order of their keys: the queue of each server, and that of both.
    static let queues =
        servers.map { RunQueue.server($0) } + [Pool(selector: ["role": "web"])].compactMap(\.self).map { .pool($0) }

    let fleet: TestFleet
    let store: RedisStore
    /// On each queue.
    private(set) var jobs: [RunQueue: [RunJob]] = [:]

    /// Runs a body with a fleet of two servers that are declared, at an address.
    static func with(
        at url: String, _ redis: PrivateRedis, controllers: Int = 2, _ body: (RunPlaces) async throws -> Void
    ) async throws {
        try await TestFleet.with(controllers: controllers, servers: servers, at: url, redis) { fleet in
            let applied = try await fleet.opsapply(
                "apply", try fleet.manifest("servers.json", Manifests.servers(servers)))
            try #require(applied.code == 0, "\(applied)\n\(fleet.logs)")
            let threads = RedisThreads()
            let store = try await RedisStore.connect(url: url, on: threads)
            do {
                try await body(RunPlaces(fleet: fleet, store: store))
            } catch {
                await store.close()
                await threads.shutdown()
                throw error
            }
            await store.close()
            await threads.shutdown()
        }
    }

    /// Has a Schedule fire each second on the first server, and waits until it has.
    func tick() async throws {
        let schedule = try fleet.manifest(
            "tick.json",
            """
            { "apiVersion": "ops/v1", "kind": "Schedule", "metadata": { "name": "tick" },
              "spec": { "at": "* * * * * *", "overlap": "allow", "missed": "all", "on": { "servers": ["server1"] },
                        "run": { "steps": [{ "command": ["sh", "-c", "echo $0 >> ticks", "${run.id}"] }] } } }
            """)
        let applied = try await fleet.opsapply("apply", schedule)
        #expect(applied.code == 0, "\(applied)\n\(fleet.logs)")
        #expect(await ticks(2), "\(fleet.logs)")
    }

    private var ticks: [Substring] { fleet.text("server1", "/ticks").split(separator: "\n") }

    /// Whether there come to be so many more ticks.
    func ticks(_ more: Int) async -> Bool {
        let count = ticks.count + more
        return await eventually(within: .seconds(30)) { ticks.count >= count }
    }

    /// Puts so many jobs on each queue, none of which may be repeated.
    mutating func enqueue(_ count: Int, _ name: String, _ script: String = "sleep 0.2") async throws {
        for (index, queue) in Self.queues.enumerated() {
            if case .pool(let pool) = queue { try await store.join(pool, servers: Self.servers) }
            let more = (0..<count).map { RunHistory.job("\(name)-\(index)-\($0)", script) }
            _ = try await store.enqueue(more, on: queue, delay: nil, notBefore: nil, lease: nil)
            jobs[queue, default: []] += more
        }
    }

    /// How long after a moment, in nanoseconds of the machine's clock, the first job of a queue was begun; nil if none came
    /// to be.
    func firstBegun(on queue: RunQueue = queues[0], after moment: Int = 0) async -> Duration? {
        let own = Set(jobs[queue, default: []].map(\.id))
        var first: Int?
        _ = await eventually(within: .seconds(20)) {
            let effects = Self.servers.flatMap { RunHistory.effects(in: fleet.text($0, "/effects")) }
            first = effects.filter { own.contains($0.id) && $0.begun > moment }.map(\.begun).min()
            return first != nil
        }
        return first.map { .nanoseconds($0 - moment) }
    }

    /// Of every queue jobs are begun within two seconds of a moment.
    func goesOn(after moment: Int, _ what: String) async {
        for queue in Self.queues {
            let first = await firstBegun(on: queue, after: moment)
            print("\(what): of \(queue) begun after \(first.map { "\($0)" } ?? "ever")")
            #expect(first.map { $0 < .seconds(2) } == true, "\(what), \(queue)\n\(fleet.logs)")
        }
    }

    /// Nanoseconds of the machine's clock.
    static var now: Int {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return time.tv_sec * 1_000_000_000 + time.tv_nsec
    }

    // MARK: judgement

    /// Every job is done, and was begun once.
    func judgeJobs() async throws {
        for (queue, jobs) in jobs {
            let history = {
                try await RunHistory.recorded(jobs, on: queue, of: fleet, servers: Self.servers, store)
            }
            _ = await eventually(within: .seconds(40)) { (try? await history().breaches.isEmpty) == true }
            let found = try await history()
            #expect(found.breaches == [], "\(queue)\n\(fleet.logs)")
            #expect(found.jobs.filter { $0.state != .done }.map(\.error) == [], "\(queue)\n\(fleet.logs)")
        }
    }

    /// Each second was run once, and none is missing. The Schedule is deleted for it.
    func judgeTicks() async throws {
        let deleted = try await fleet.opsapply("delete", "schedule/tick", "--yes", "--wait")
        #expect(deleted.code == 0, "\(deleted)")
        var runs: [RunRecord] = []
        let isQuiet = try await eventually(within: .seconds(20)) {
            runs = try await store.runs(on: Self.queues[0], limit: 1000).filter { $0.job.scheduledFor != nil }
            return runs.allSatisfy { $0.state == .done }
        }
        #expect(isQuiet, "\(fleet.logs)")
        #expect(Set(ticks).count == ticks.count && runs.count == ticks.count, "none twice: \(ticks)")
        let times = runs.compactMap(\.job.scheduledFor).sorted()
        for (first, second) in zip(times, times.dropFirst()) {
            #expect(second - first == .seconds(1), "none is missing: \(ticks)\n\(fleet.logs)")
        }
    }
}
