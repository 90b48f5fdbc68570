// What must have come: from the times of the Schedule, found local day by local day, and the history of who looked when.

internal import Calendar
internal import Model
internal import Reconcilers

struct ScheduleOracle {
    private static let mostFindings = 5
    private static let atOnce = 100
    private static let grace: Int64 = 60_000

    private struct Due {
        var time: Int64
        var moment: Int64
    }

    private let schedule: SimulatedSchedule
    private let world: SimulatedWorld
    private let times: [Due]

    init(_ schedule: SimulatedSchedule, _ world: SimulatedWorld) {
        self.schedule = schedule
        self.world = world
        let first = world.looks.first?.clock ?? SimulatedWorld.start
        times = LocalTimes(plan: schedule.plan, zone: schedule.zone).all(
            after: first, until: SimulatedWorld.end + 4 * 86_400_000
        ).map { Due(time: $0, moment: schedule.decider.moment(of: Timestamp(milliseconds: $0)).milliseconds) }
    }

    func judge(into report: inout ScheduleSimulation.Report) {
        let (expected, late) = expected()
        var findings: [String] = []
        if late > 0 { findings.append("\(late) times passed while a leader watched") }
        let jitter = schedule.trigger.jitter.wholeMilliseconds
        for due in times where !(due.time...(due.time + jitter)).contains(due.moment) {
            findings.append("\(id(due.time)) is due outside of its jitter")
            report.late += 1
        }
        for id in expected.subtracting(world.created.keys).sorted() {
            findings.append("\(id) was missed")
            report.missed += 1
        }
        for (id, count) in world.created.sorted(by: { $0.key < $1.key }) {
            if !expected.contains(id) {
                findings.append("\(id) was not expected")
                report.unexpected += 1
            }
            if count > 1 { findings.append("\(id) came \(count) times") }
            report.doubled += count - 1
        }
        if world.overlaps > 0 { findings.append("\(world.overlaps) runs came beside one that was open") }
        if world.lost > 0 { findings.append("\(world.lost) runs were wanted again after they were cancelled") }
        report.overlapping += world.overlaps + world.lost
        report.inherited += world.inherited
        report.late += late
        report.fires += world.created.count
        report.repeats += world.repeats
        report.refused += world.refused
        let room = Self.mostFindings - report.findings.count
        report.findings += findings.prefix(max(0, room)).map {
            "\(schedule.plan.cron), missed \(schedule.trigger.missed), overlap \(schedule.overlap): \($0)"
        }
    }

    /// The ids that must have come, and how many times passed while a leader watched.
    private func expected() -> (ids: Set<String>, late: Int) {
        var ids: Set<String> = []
        var late = 0
        var decided = 0
        var open = (id: "", until: Int64.min)
        for look in world.looks {
            var end = decided
            while end < times.count, times[end].moment <= look.clock { end += 1 }
            let due = times[decided..<end]
            // A run that is wanted again is not before itself.
            let isOpen = look.time < open.until && open.id != due.last.map { id($0.time) }
            let fires = fires(due, at: look.clock, isOpen: isOpen)
            if look.end >= .enqueued {
                for id in fires.map({ id($0.time) }) where ids.insert(id).inserted {
                    open = (id, look.time + schedule.runTime)
                }
            }
            // Once one of several is meant, the older ones are left out.
            if look.end >= .intended, schedule.overlap != .allow, !fires.isEmpty { decided = max(decided, end - 1) }
            if look.end == .written { decided = end }
            if decided < times.count, times[decided].moment < look.watchedUntil { late += 1 }
        }
        return (ids, late)
    }

    private func fires(_ due: ArraySlice<Due>, at clock: Int64, isOpen: Bool) -> [Due] {
        guard let newest = due.last else { return [] }
        let deadline = schedule.trigger.startDeadline.wholeMilliseconds
        let isOnTime = clock - newest.moment <= Self.grace
        let fires: [Due]
        switch schedule.trigger.missed {
        case .skip: fires = isOnTime ? [newest] : []
        case .once: fires = isOnTime || clock - newest.moment <= deadline ? [newest] : []
        case .all:
            let older = due.suffix(Self.atOnce).dropLast().filter { clock - $0.moment <= deadline }
            fires = isOnTime || clock - newest.moment <= deadline ? older + [newest] : []
        }
        switch schedule.overlap {
        case .allow: return fires
        case .replace: return fires.suffix(1)
        case .forbid: return isOpen ? [] : fires.suffix(1)
        }
    }

    /// By another way than the decider's.
    private func id(_ time: Int64) -> String {
        let text = Timestamp(milliseconds: time).rfc3339.split(separator: ".")[0].filter { $0 != "-" && $0 != ":" }
        return "\(schedule.name)-\(text)Z"
    }
}

/// The times of a plan: each local time of each local day is looked for among the moments that could have it.
struct LocalTimes {
    let plan: SimulatedPlan
    let zone: ZoneRules

    func all(after start: Int64, until end: Int64) -> [Int64] {
        var found: Set<Int64> = []
        for day in (start / 86_400_000 - 2)...(end / 86_400_000 + 2) where has(day) {
            for hour in plan.hours {
                for minute in plan.minutes { found.formUnion(moments(day * 86_400 + Int64(hour * 3600 + minute * 60))) }
            }
        }
        return found.map { $0 * 1000 }.filter { $0 > start && $0 <= end }.sorted()
    }

    private func has(_ day: Int64) -> Bool {
        let date = Timestamp(milliseconds: day * 86_400_000).rfc3339.split(separator: "T")[0].split(separator: "-")
        guard date.count == 3, let month = Int(date[1]), let number = Int(date[2]), plan.months.contains(month) else {
            return false
        }
        let isWeekday = plan.weekdays.contains(Int((day + 4) % 7))
        return plan.isEitherDay
            ? isWeekday || plan.days.contains(number) : isWeekday && plan.days.contains(number)
    }

    /// In seconds. No zone here changes its clocks twice within two days.
    private func moments(_ local: Int64) -> [Int64] {
        let (before, after) = (offset(local - 86_400), offset(local + 86_400))
        let moments = Set([local - before, local - after]).filter { $0 + offset($0) == local }.sorted()
        guard plan.isHourFixed else { return moments }
        return [moments.first ?? change(between: local - 86_400, and: local + 86_400)]
    }

    /// The first moment with another offset than `low` has.
    private func change(between low: Int64, and high: Int64) -> Int64 {
        var (low, high) = (low, high)
        let old = offset(low)
        while high - low > 1 {
            let middle = (low + high) / 2
            if offset(middle) == old { low = middle } else { high = middle }
        }
        return high
    }

    private func offset(_ second: Int64) -> Int64 { Int64(zone.offset(at: Timestamp(milliseconds: second * 1000))) }
}
