// The queues of runs: how soon a job is claimed, how many can be enqueued and driven to done, what one that waits costs, and
// how late what was delayed is. Redis keeps an append-only file, fsynced each second; leases and ids are on.

import Glibc
import Model
import Redis
import RedisStore
import Store
import TestRedis

enum Queues {
    /// How many queues are worked on at once, each by one executor.
    private static let queues = (1...8).map { RunQueue.server("server\($0)") }
    /// Jobs that an executor takes in one turn.
    private static let batch = 250

    static func run(_ effort: Effort) async throws -> [Figure] {
        let claimed = try await Stage.with(appendOnly: true) { try await latency($0, effort.claims) }
        let driven = try await Stage.with(appendOnly: true) {
            try await throughput($0, effort.jobs, "append-only file, everysec")
        }
        let volatile = try await Stage.with { try await throughput($0, effort.jobs, "no append-only file") }
        let late = try await Stage.with(appendOnly: true) { try await lateness($0, effort.jobs, storm: 0) }
        let storm = try await Stage.with(appendOnly: true) {
            try await lateness($0, effort.jobs / 10, storm: effort.jobs / 10)
        }
        // Buffers of the append-only file come and go, and are no memory of jobs.
        return claimed + driven.prefix(4) + volatile.prefix(2) + volatile.suffix(1) + late + storm
    }

    /// 200 bytes as JSON, more or less.
    static func job(_ number: Int, attempts: Int = 1) -> RunJob {
        let id = "job-\(1_000_000_000 + number)"
        return RunJob(
            id: id,
            steps: [
                .command(
                    RunCommand(command: [
                        "/usr/local/bin/thumbnail", "--size", "640x480", "/srv/pictures/in/\(id).jpg",
                        "/srv/pictures/out/\(id).jpg",
                    ]))
            ], origin: "run by ann@workstation", maximumAttempts: attempts)
    }

    // MARK: enqueue → claimed

    private static func latency(_ stage: Stage, _ count: Int) async throws -> [Figure] {
        // Another program's connection.
        let threads = RedisThreads()
        let executor = try await RedisStore.connect(url: stage.redis.url, on: threads)
        let (claims, continuation) = AsyncStream<ContinuousClock.Instant>.makeStream()
        var samples = Samples()
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                var visit = Visits(executor, queues[0])
                while !Task.isCancelled {
                    let reply = try await visit.turn(limit: 8)
                    if !reply.claims.isEmpty {
                        continuation.yield(.now)
                    } else if visit.held.isEmpty {
                        _ = try await executor.waitForWork(server: queues[0].name, timeout: .seconds(1))
                    }
                }
            }
            var arrivals = claims.makeAsyncIterator()
            for number in 0..<(count + 100) {
                // The executor is idle: it has ended the job before and waits.
                await stage.pause(.milliseconds(1))
                let start = ContinuousClock.now
                _ = try await stage.store.enqueue(
                    [job(number)], on: queues[0], delay: nil, notBefore: nil, lease: nil)
                guard let arrived = await arrivals.next() else { break }
                if number >= 100 { samples.add(arrived - start) }
            }
            group.cancelAll()
        }
        await executor.close()
        await threads.shutdown()
        return [
            Figure(
                measure: "enqueue → claimed by an idle executor, p50", bar: 0.5, measured: samples.median, unit: "ms",
                note: samples.spread),
            Figure(
                measure: "enqueue → claimed by an idle executor, p99", bar: 2, measured: samples.percentile(0.99),
                unit: "ms"),
        ]
    }

    // MARK: how many

    /// Twice the same: after the first round all is there that a queue always keeps (results, tables, scripts), so what is
    /// more after the second has grown.
    private static func throughput(_ stage: Stage, _ count: Int, _ setting: String) async throws -> [Figure] {
        let share = count / queues.count
        // As many results as a queue remembers are there in both rounds, and so the tables grow to the same size.
        try await enqueue(share: RunBounds.endedMost, from: 20 * count, stage)
        _ = try await drive(share: RunBounds.endedMost, stage)
        let empty = try await stage.memory()
        try await enqueue(share: share, from: 10 * count, stage)
        let waiting = try await stage.memory()
        _ = try await drive(share: share, stage)
        let before = try await stage.memory()
        let redis = try stage.redisTime()
        let (enqueueing, _) = try await measure { try await enqueue(share: share, from: 0, stage) }
        let middle = try stage.redisTime()
        let (driving, turns) = try await measure { try await drive(share: share, stage) }
        let after = try stage.redisTime()
        let rest = try await stage.memory()
        let total = Double(share * queues.count)
        func rate(_ duration: Duration) -> String { "\(text(total / duration.milliseconds)) k/s" }
        return [
            Figure(
                measure: "a job of 200 B enqueued (100,000/s), \(setting)", bar: 10,
                measured: enqueueing.milliseconds * 1000 / total, unit: "µs",
                note: "\(rate(enqueueing)); Redis' core alone: \(rate(middle - redis))"),
            Figure(
                measure: "a no-op job driven to done (50,000/s), \(setting)", bar: 20,
                measured: driving.milliseconds * 1000 / total, unit: "µs",
                note: "\(rate(driving)); Redis' core alone: \(rate(after - middle))"),
            Figure(
                measure: "round trips per job at full load", bar: 0.2, measured: Double(turns) / total, unit: "",
                note: "turns of up to \(batch) jobs"),
            Figure(
                measure: "Redis memory per pending job of 200 B", bar: 600, measured: Double(waiting - empty) / total,
                unit: "bytes", note: "\(Int(total)) waiting"),
            Figure(
                measure: "Redis memory that grew over a second million jobs, per job", bar: 1,
                measured: max(0, Double(rest - before)) / total, unit: "bytes",
                note: "\(rest - before) bytes after \(Int(total)) more jobs"),
        ]
    }

    private static func enqueue(share: Int, from first: Int, _ stage: Stage) async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            for (index, queue) in queues.enumerated() {
                group.addTask {
                    for start in stride(from: 0, to: share, by: RunBounds.largestBatch) {
                        let numbers = start..<min(start + RunBounds.largestBatch, share)
                        let jobs = numbers.map { job(first + index * share + $0) }
                        _ = try await stage.store.enqueue(jobs, on: queue, delay: nil, notBefore: nil, lease: nil)
                    }
                }
            }
            try await group.waitForAll()
        }
    }

    /// Claims and ends so many jobs of each queue; how many turns that took.
    private static func drive(share: Int, _ stage: Stage) async throws -> Int {
        try await withThrowingTaskGroup(of: Int.self) { group in
            for queue in queues {
                group.addTask {
                    var visit = Visits(stage.store, queue)
                    var turns = 0
                    var done = 0
                    repeat {
                        done += visit.held.count
                        _ = try await visit.turn(limit: batch)
                        turns += 1
                    } while !visit.held.isEmpty
                    guard done == share else { throw Problem("\(done) of \(share) jobs were done on \(queue)") }
                    return turns
                }
            }
            return try await group.reduce(0, +)
        }
    }

    // MARK: how late

    /// So many wait; a few hundred each second of ten come due, one time each ten milliseconds.
    private static func lateness(_ stage: Stage, _ waiting: Int, storm: Int) async throws -> [Figure] {
        let queue = queues[0]
        let day: Duration = .seconds(86_400)
        for start in stride(from: 0, to: waiting, by: RunBounds.largestBatch) {
            let jobs = (start..<start + RunBounds.largestBatch).map { job($0) }
            _ = try await stage.store.enqueue(jobs, on: queue, delay: day, notBefore: nil, lease: nil)
        }
        if storm > 0 { try await fail(storm, after: .seconds(4), stage) }
        let base = try await stage.store.now() + .seconds(storm > 0 ? 3 : 1)
        var due: [String: Timestamp] = [:]
        for step in 0..<600 {
            let jobs = (0..<4).map { job(20 * waiting + 4 * step + $0) }
            let time = base + .milliseconds(10 * step)
            for job in jobs { due[job.id] = time }
            _ = try await stage.store.enqueue(jobs, on: queue, delay: nil, notBefore: time, lease: nil)
        }
        var samples = Samples()
        var visit = Visits(stage.store, queue)
        while samples.values.count < due.count {
            let reply = try await visit.turn(limit: 50)
            for claim in reply.claims {
                if let time = due[claim.job.id] { samples.add(reply.now - time) }
            }
            guard visit.held.isEmpty, let next = reply.nextDueAt else { continue }
            try await ContinuousClock().sleep(for: max(.zero, next - reply.now), tolerance: .zero)
        }
        let name = storm > 0 ? "while \(storm) retries come due" : "\(waiting) waiting"
        return [
            Figure(
                measure: "lateness of delayed jobs, \(name)", bar: storm > 0 ? 50 : 10,
                measured: samples.percentile(0.99), unit: "ms p99", note: samples.spread)
        ]
    }

    /// So many jobs fail, to be tried again after a time.
    private static func fail(_ count: Int, after wait: Duration, _ stage: Stage) async throws {
        var visit = Visits(stage.store, queues[0])
        visit.result = .failed(error: "a storm", retryAfter: wait)
        for start in stride(from: 0, to: count, by: RunBounds.largestBatch) {
            let jobs = (start..<start + RunBounds.largestBatch).map { job(50_000_000 + $0, attempts: 9) }
            _ = try await stage.store.enqueue(jobs, on: queues[0], delay: nil, notBefore: nil, lease: nil)
            _ = try await visit.turn(limit: RunBounds.largestBatch)
        }
        _ = try await visit.turn(limit: 0)
    }
}

/// An executor that does nothing with its jobs: each turn ends what the one before claimed.
private struct Visits {
    let store: RedisStore
    let queue: RunQueue
    var held: [RunClaim] = []
    var result = RunResult.done
    private var number = 0

    init(_ store: RedisStore, _ queue: RunQueue) {
        self.store = store
        self.queue = queue
    }

    mutating func turn(limit: Int) async throws -> RunTurnReply {
        number += 1
        let ends = held.map { RunCompletion(id: $0.job.id, token: $0.token, result: result, exitCode: 0) }
        let reply = try await store.turn(
            RunTurn(
                queue: queue, server: "bench", token: "t\(number)", limit: limit, lease: .seconds(10),
                completions: ends))
        guard reply.lost.isEmpty else { throw Problem("\(reply.lost.count) ends were not taken") }
        held = reply.claims
        return reply
    }
}
