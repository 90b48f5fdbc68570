// Schedules: whether each time comes exactly once in ten years of leader deaths and clock steps, and what finding the next
// time costs.

import Calendar
import Model
import ScheduleSimulation

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
            try await next(),
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
}
