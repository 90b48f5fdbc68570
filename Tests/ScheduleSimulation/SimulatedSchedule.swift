// One Schedule of the simulation, written twice: as text for the reader of expressions, as lists for the oracle.

internal import Calendar
internal import Model
internal import Reconcilers
internal import TestSeeds

struct SimulatedPlan: Sendable {
    var cron: String
    /// About so many in ten years.
    var fires: Int
    var minutes: [Int]
    var hours: [Int]
    var months: Set<Int> = Set(1...12)
    var days: Set<Int> = Set(1...31)
    var weekdays: Set<Int> = Set(0...6)
    var isHourFixed = true
    /// Either of the fields for days is enough.
    var isEitherDay = false

    /// From one time to the next, about.
    var interval: Int64 { (SimulatedWorld.end - SimulatedWorld.start) / Int64(fires) }

    static let all = [
        SimulatedPlan(cron: "30 2 * * sun", fires: 520, minutes: [30], hours: [2], weekdays: [0]),
        SimulatedPlan(cron: "0 0 1,15 * *", fires: 240, minutes: [0], hours: [0], days: [1, 15]),
        SimulatedPlan(cron: "0 3 * * 6-7", fires: 1040, minutes: [0], hours: [3], weekdays: [0, 6]),
        SimulatedPlan(
            cron: "15 1 * 3,10 fri-sun", fires: 270, minutes: [15], hours: [1], months: [3, 10], weekdays: [5, 6, 0]),
        SimulatedPlan(
            cron: "5 */8 * 4 sun", fires: 130, minutes: [5], hours: [0, 8, 16], months: [4], weekdays: [0],
            isHourFixed: false),
        SimulatedPlan(
            cron: "30 */6 25-26 3,10 sun", fires: 480, minutes: [30], hours: [0, 6, 12, 18], months: [3, 10],
            days: [25, 26],
            weekdays: [0], isHourFixed: false, isEitherDay: true),
        SimulatedPlan(cron: "0 0 * * *", fires: 3650, minutes: [0], hours: [0]),
        SimulatedPlan(cron: "@daily", fires: 3650, minutes: [0], hours: [0]),
        SimulatedPlan(cron: "15,45 1-3 * * *", fires: 21_900, minutes: [15, 45], hours: [1, 2, 3]),
        SimulatedPlan(
            cron: "0 */2 * * *", fires: 43_800, minutes: [0], hours: Array(stride(from: 0, to: 24, by: 2)),
            isHourFixed: false),
        SimulatedPlan(
            cron: "*/20 9-17/4 * * mon-fri", fires: 23_400, minutes: [0, 20, 40], hours: [9, 13, 17],
            weekdays: [1, 2, 3, 4, 5]),
        SimulatedPlan(
            cron: "20 * * 1,7 *", fires: 14_900, minutes: [20], hours: Array(0...23), months: [1, 7], isHourFixed: false
        ),
    ]
}

struct SimulatedSchedule {
    let name: String
    let plan: SimulatedPlan
    let zone: ZoneRules
    let trigger: TimeTrigger
    let overlap: ScheduleSpec.Overlap
    /// How long each of its runs takes.
    let runTime: Int64
    let decider: ScheduleDecider

    init(name: String, plan: SimulatedPlan, zone: ZoneRules, generator: inout SeededGenerator) throws {
        self.name = name
        self.plan = plan
        self.zone = zone
        let missed = TimeTrigger.Missed.allCases[Int.random(in: 0...2, using: &generator)]
        let deadlines: [Duration] = [.seconds(30), .seconds(3600), .seconds(86_400)]
        trigger = TimeTrigger(
            cron: plan.cron, jitter: Bool.random(using: &generator) ? .zero : .seconds(600), missed: missed,
            startDeadline: deadlines[Int.random(in: 0...2, using: &generator)])
        overlap = ScheduleSpec.Overlap.allCases[Int.random(in: 0...2, using: &generator)]
        let longest = Bool.random(using: &generator) ? 7_200_000 : 3 * plan.interval
        runTime = Int64.random(in: 1000...longest, using: &generator)
        let request = RunRequest(work: .steps([]), targets: .servers(["server1"]))
        decider = ScheduleDecider(
            name: name, generation: 1, appliedAt: Timestamp(milliseconds: SimulatedWorld.start),
            spec: ScheduleSpec(trigger: .time(trigger), request: request, overlap: overlap),
            trigger: trigger, cron: try CronExpression(parsing: plan.cron), zone: zone)
    }
}
