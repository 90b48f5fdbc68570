// Schedules: whether each time comes exactly once in ten years of leader deaths and clock steps, what finding the next time
// costs, and how late many are that are due at once.

import Calendar
import Model
import RedisStore
import ScheduleSimulation
import Store
import TestRedis

enum Schedules {
    private static let expressions = ["0 2 * * *", "*/15 * * * *", "30 4 1,15 * mon", "0 0 29 2 *", "0 */6 * 3-10 sun"]

    static func run(_ effort: Effort) async throws -> [Figure] {
        let (duration, report) = try await measure { try ScheduleSimulation(seed: 1).run(fires: effort.fires) }
        guard report.isClean else { throw Problem("\(report)") }
        let what = "\(report.fires) schedule fires over ten years, \(report.zones) zones, leader deaths and clock steps"
        return [
            Figure(
                measure: "\(what): missed", bar: 0, measured: Double(report.missed + report.late), unit: "",
                note: "\(report.schedules) schedules, \(text(duration.milliseconds / 1000)) s"),
            Figure(
                measure: "\(what): doubled", bar: 0, measured: Double(report.doubled + report.unexpected), unit: "",
                note: "\(report.repeats) repeats were known, \(report.refused) writes refused"),
            Figure(
                measure: "\(what): beside a run that forbids it", bar: 0, measured: Double(report.overlapping),
                unit: "",
                note: "\(report.inherited) runs were of a leader who died before it wrote that they are there"),
            try await next(),
            try await together(),
        ]
    }

    private static func next() async throws -> Figure {
        let zone = try ZoneDatabase().rules("America/New_York")
        let crons = try expressions.map { try CronExpression(parsing: $0) }
        let each = 200_000
        let (duration, _) = await measure {
            for cron in crons {
                // From each to the next, and from 2026 on again where they end.
                let start = Timestamp(milliseconds: 1_767_225_600_000)
                var time = start
                for _ in 0..<each { time = cron.next(after: time, in: zone) ?? start }
            }
        }
        let count = each * crons.count
        return Figure(
            measure: "the next time of a cron expression in a zone", bar: 1000,
            measured: duration.milliseconds * 1_000_000 / Double(count), unit: "ns", note: "mean of \(count)")
    }

    private static let atOneSecond = 1000
    private static let servers = 50
    /// Until they are due, in seconds: by then they are stored, and the leader has read them.
    private static let lead: Int64 = 20

    /// From the second at which all are due to when each is on its queue, by Redis' clock. A real controller; nobody runs them.
    private static func together() async throws -> Figure {
        try await Stage.with { stage in
            try stage.startController("controller")
            _ = try await stage.waitForLeader()
            let due = Timestamp(milliseconds: (try await stage.store.now().milliseconds / 1000 + lead) * 1000)
            try await Population.apply(manifests(due), to: stage.store)
            guard try await stage.store.now() < due else { throw Problem("the schedules were not stored in time") }
            var jobs: [RunRecord] = []
            let haveCome = try await eventually(within: .seconds(2 * lead)) {
                jobs = []
                guard try await stage.store.now() > due + .seconds(1) else { return false }
                for index in 0..<servers {
                    jobs += try await stage.store.runs(on: .server("server\(index)"), limit: atOneSecond)
                }
                return jobs.count == atOneSecond
            }
            guard haveCome else { throw Problem("\(jobs.count) of \(atOneSecond) schedules fired") }
            var samples = Samples()
            for job in jobs { samples.add(job.enqueuedAt - due) }
            return Figure(
                measure: "\(atOneSecond) schedules at one second on \(servers) servers: lateness", bar: 250,
                measured: samples.percentile(0.99), unit: "ms p99", note: samples.spread)
        }
    }

    private static func manifests(_ due: Timestamp) -> String {
        let time = due.rfc3339.split(separator: "T")[1].prefix(8).split(separator: ":")
        let servers = (0..<servers).map { index in
            """
            { "apiVersion": "ops/v1", "kind": "Server", "metadata": { "name": "server\(index)" },
              "spec": { "address": "127.0.0.1" } }
            """
        }
        let schedules = (0..<atOneSecond).map { index in
            """
            { "apiVersion": "ops/v1", "kind": "Schedule", "metadata": { "name": "schedule\(index)" },
              "spec": { "at": "\(time[2]) \(time[1]) \(time[0]) * * *", "run": { "steps": [{ "command": ["true"] }] },
                        "on": { "servers": ["server\(index % Self.servers)"] } } }
            """
        }
        return "[" + (servers + schedules).joined(separator: ",\n") + "]"
    }
}
