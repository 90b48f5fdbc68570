// Ten years of many schedules, by chance: leaders die before, between and after what they write, nobody leads for hours, the clock is set
// forwards and backwards, and a leader that was deposed wants to go on. What came is compared with what an oracle of its own
// says must come: it finds times by another way, and knows the rules only as a history of who looked when.
//
//     let report = try ScheduleSimulation(seed: 1).run(fires: 20_000)

package import Calendar
internal import Model
internal import Reconcilers
internal import TestSeeds

package struct ScheduleSimulation {
    package struct Report: Sendable, CustomStringConvertible {
        package var schedules = 0
        package var zones = 0
        /// Runs that came, each once.
        package var fires = 0
        /// That had to come and did not.
        package var missed = 0
        /// That came again, or under two ids.
        package var doubled = 0
        /// That came and were nobody's.
        package var unexpected = 0
        /// That a leader who was there let pass.
        package var late = 0
        /// That came beside a run that was open, or were cancelled and then wanted, though runs must not overlap.
        package var overlapping = 0
        /// Enqueued again by a successor, and known.
        package var repeats = 0
        /// Runs of a leader who died before it wrote that it enqueued them, and that were open at the next time.
        package var inherited = 0
        /// Writes of deposed leaders.
        package var refused = 0
        /// What went wrong, the first few.
        package var findings: [String] = []

        package var isClean: Bool { missed + doubled + unexpected + late + overlapping == 0 }

        package var description: String {
            "\(fires) fires of \(schedules) schedules in \(zones) zones: \(missed) missed, \(doubled) doubled, "
                + "\(unexpected) unexpected, \(late) late, \(overlapping) overlapping; \(repeats) repeats known, "
                + "\(inherited) runs inherited, \(refused) writes refused"
                + findings.map { "\n" + $0 }.joined()
        }
    }

    package static let zones = [
        "UTC", "America/New_York", "Europe/Berlin", "Australia/Lord_Howe", "Africa/Casablanca", "Asia/Kathmandu",
        "America/St_Johns", "Pacific/Apia", "Antarctica/Troll", "Europe/Dublin", "America/Havana", "Asia/Beirut",
        "Africa/Cairo", "America/Santiago", "Pacific/Chatham", "Asia/Tehran", "Asia/Gaza", "Asia/Kolkata",
        "Europe/London", "Pacific/Kiritimati",
    ]

    private let seed: UInt64
    private let database: ZoneDatabase

    package init(seed: UInt64, database: ZoneDatabase = ZoneDatabase()) {
        self.seed = seed
        self.database = database
    }

    /// Adds schedules, zone by zone, until so many runs came.
    package func run(fires: Int) throws -> Report {
        var report = Report()
        var generator = SeededGenerator(seed: seed)
        let rules = try Self.zones.map { try database.rules($0) }
        let plans = SimulatedPlan.all.filter { $0.fires <= max(200, fires / Self.zones.count) }
        while report.fires < fires || report.schedules < Self.zones.count {
            let index = report.schedules
            let schedule = try SimulatedSchedule(
                name: "schedule\(index)", plan: plans[Int(generator.next() % UInt64(plans.count))],
                zone: rules[index % rules.count], generator: &generator)
            var world = SimulatedWorld(schedule, generator: &generator)
            world.run()
            ScheduleOracle(schedule, world).judge(into: &report)
            report.schedules += 1
        }
        report.zones = min(report.schedules, Self.zones.count)
        return report
    }
}
