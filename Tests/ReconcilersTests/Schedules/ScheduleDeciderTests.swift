import Calendar
import Model
import Reconcilers
import Testing

@Suite("Schedules with times")
struct ScheduleDeciderTests {
    // MARK: when

    @Test func `a time fires when it has come, and once`() throws {
        var hourly = try Hourly()
        #expect(hourly.decide(at: "20260101T000000Z").fires.isEmpty)
        #expect(hourly.nextAt == "20260101T010000Z")
        #expect(hourly.decide(at: "20260101T005959Z").fires.isEmpty)
        #expect(hourly.decide(at: "20260101T010000Z").fires == ["nightly-20260101T010000Z"])
        #expect(hourly.nextAt == "20260101T020000Z")
        #expect(hourly.decide(at: "20260101T010000Z").fires.isEmpty)
        #expect(hourly.decide(at: "20260101T010001Z").fires.isEmpty)
    }

    @Test func `a Schedule that is seen for the first time makes up for nothing`() throws {
        var hourly = try Hourly(missed: .all, startDeadline: .seconds(86_400))
        #expect(hourly.decide(at: "20260101T010000Z").fires.isEmpty)
        #expect(hourly.decide(at: "20260101T013000Z").fires.isEmpty)
        #expect(hourly.decide(at: "20260101T020000Z").fires.count == 1)
    }

    @Test func `times between an apply and the first look of a leader are due as any others`() throws {
        var hourly = try Hourly()
        hourly.appliedAt = Timestamp(compact: "20260101T005959Z")
        #expect(hourly.decide(at: "20260101T010002Z").fires == ["nightly-20260101T010000Z"])
        hourly.generation = 2
        hourly.appliedAt = Timestamp(compact: "20260101T015959Z")
        #expect(hourly.decide(at: "20260101T020000Z").fires == ["nightly-20260101T020000Z"])
        hourly.generation = 3
        hourly.appliedAt = Timestamp(compact: "20260101T030001Z")
        #expect(hourly.decide(at: "20260101T030002Z").fires.isEmpty)
        // Times that were decided before the change are not decided again.
        hourly.generation = 4
        hourly.appliedAt = Timestamp(compact: "20260101T005959Z")
        #expect(hourly.decide(at: "20260101T030003Z").fires.isEmpty)
    }

    @Test func `the id of the longest name fits a run's`() throws {
        let fire = ScheduleFire(of: String(repeating: "n", count: 63), at: Timestamp(milliseconds: 0))
        #expect(fire.id.utf8.count == 80)
        #expect(RunBounds.isValid(id: fire.id))
    }

    @Test func `a leader that dies before it writes leaves the same ids to its successor`() throws {
        var hourly = try Hourly()
        hourly.decide(at: "20260101T003000Z")
        let before = hourly.state
        let first = hourly.decide(at: "20260101T010001Z").fires
        hourly.state = before
        #expect(hourly.decide(at: "20260101T010030Z").fires == first)
    }

    // MARK: missed

    @Test(
        arguments: [
            (.skip, 3600, [], "20260101T050000Z was missed by 1800 s (missed: skip)"),
            (.once, 3600, ["05"], nil), (.once, 1800, ["05"], nil),
            (.once, 1799, [], "20260101T050000Z was missed by 1800 s (its start deadline is 1799 s)"),
            (.all, 86_400, ["01", "02", "03", "04", "05"], nil), (.all, 5400, ["04", "05"], nil),
            (.all, 60, [], "20260101T050000Z was missed by 1800 s (its start deadline is 60 s)"),
        ] as [(TimeTrigger.Missed, Int, [String], String?)])
    func `after hours without a leader`(
        _ missed: TimeTrigger.Missed, _ deadline: Int, _ hours: [String], _ leftOut: String?
    ) throws {
        var hourly = try Hourly(missed: missed, startDeadline: .seconds(deadline))
        hourly.decide(at: "20260101T003000Z")
        #expect(hourly.decide(at: "20260101T053000Z").fires == hours.map { "nightly-20260101T\($0)0000Z" })
        #expect(hourly.state?.leftOut == leftOut)
        #expect(hourly.decide(at: "20260101T053001Z").fires.isEmpty)
        #expect(hourly.decide(at: "20260101T060000Z").fires.count == 1)
        #expect(hourly.state?.leftOut == nil)
    }

    @Test(arguments: TimeTrigger.Missed.allCases)
    func `on time is up to a minute late, whatever else was missed`(_ missed: TimeTrigger.Missed) throws {
        for (late, fires) in [("20260101T050100Z", true), ("20260101T050101Z", false)] {
            var hourly = try Hourly(missed: missed, startDeadline: .zero)
            hourly.decide(at: "20260101T003000Z")
            #expect(hourly.decide(at: late).fires == (fires ? ["nightly-20260101T050000Z"] : []))
        }
    }

    @Test func `of very many missed times the newest hundred are made up for, at once`() throws {
        var secondly = try Hourly("* * * * * *", missed: .all, startDeadline: .seconds(86_400 * 365))
        secondly.decide(at: "20260101T000000Z")
        let fires = secondly.decide(at: "20261231T000000Z").fires
        #expect(fires.count == ScheduleBounds.mostAtOnce)
        #expect(fires.first == "nightly-20261230T235821Z" && fires.last == "nightly-20261231T000000Z")
        #expect(secondly.state?.decidedUntil.compact == "20261231T000000Z")
    }

    // MARK: overlap

    @Test func `forbid leaves a time out while the run before is open, and says so`() throws {
        var hourly = try Hourly(overlap: .forbid)
        hourly.decide(at: "20260101T003000Z")
        let decision = hourly.decide(at: "20260101T010000Z", isPreviousOpen: true)
        #expect(decision.fires.isEmpty && !decision.cancelPrevious)
        #expect(
            hourly.state?.leftOut
                == "20260101T010000Z was left out: the run before it was not over (overlap: forbid)")
        #expect(hourly.decide(at: "20260101T010001Z").fires.isEmpty)
        #expect(hourly.decide(at: "20260101T020000Z").fires.count == 1)
    }

    @Test func `replace cancels the run before, and only where one comes`() throws {
        var hourly = try Hourly(overlap: .replace)
        hourly.decide(at: "20260101T003000Z")
        #expect(!hourly.decide(at: "20260101T005900Z", isPreviousOpen: true).cancelPrevious)
        let decision = hourly.decide(at: "20260101T010000Z", isPreviousOpen: true)
        #expect(decision.fires.count == 1 && decision.cancelPrevious)
        #expect(!hourly.decide(at: "20260101T020000Z").cancelPrevious)
    }

    @Test func `allow lets a run come beside the one before`() throws {
        var hourly = try Hourly(overlap: .allow)
        hourly.decide(at: "20260101T003000Z")
        let decision = hourly.decide(at: "20260101T010000Z", isPreviousOpen: true)
        #expect(decision.fires.count == 1 && !decision.cancelPrevious)
    }

    @Test(arguments: [ScheduleSpec.Overlap.forbid, .replace])
    func `of several that come at once only the newest does`(_ overlap: ScheduleSpec.Overlap) throws {
        var hourly = try Hourly(missed: .all, startDeadline: .seconds(86_400), overlap: overlap)
        hourly.decide(at: "20260101T003000Z")
        #expect(hourly.decide(at: "20260101T053000Z").fires == ["nightly-20260101T050000Z"])
    }

    @Test(arguments: [ScheduleSpec.Overlap.forbid, .replace])
    func `a run that a leader intended before it died comes again, and is the one before the next`(
        _ overlap: ScheduleSpec.Overlap
    ) throws {
        var hourly = try Hourly(overlap: overlap)
        hourly.decide(at: "20260101T003000Z")
        let time = try #require(Timestamp(compact: "20260101T010000Z"))
        let decision = hourly.decider(time).decide(hourly.state, now: time, isPreviousOpen: false)
        let run = ScheduleState.LastRun(id: decision.fires[0].id, time: time, queues: [.server("server1")])
        let intent = decision.intent(run)
        #expect(intent.lastRun == run && intent.decidedUntil < time)
        // It was enqueued: the same id again does nothing, and it is not cancelled for itself.
        hourly.state = intent
        let again = hourly.decide(at: "20260101T010030Z", isPreviousOpen: true)
        #expect(again.fires == [run.id] && !again.cancelPrevious)
        #expect(hourly.state?.leftOut == nil && hourly.state.map { $0.decidedUntil >= time } == true)
        // Nobody looked until the next time.
        hourly.state = intent
        let next = hourly.decide(at: "20260101T020000Z", isPreviousOpen: true)
        #expect(next.fires == (overlap == .replace ? ["nightly-20260101T020000Z"] : []))
        #expect(next.cancelPrevious == (overlap == .replace))
        // It was not enqueued.
        hourly.state = intent
        #expect(hourly.decide(at: "20260101T020000Z").fires == ["nightly-20260101T020000Z"])
    }

    // MARK: clocks

    @Test func `a clock that is set back makes no time come again`() throws {
        var hourly = try Hourly(missed: .all, startDeadline: .seconds(86_400))
        hourly.decide(at: "20260101T003000Z")
        #expect(hourly.decide(at: "20260101T010000Z").fires.count == 1)
        #expect(hourly.decide(at: "20251231T220000Z").fires.isEmpty)
        #expect(hourly.state?.decidedUntil.compact == "20260101T010000Z")
        #expect(hourly.nextAt == "20260101T020000Z")
        #expect(hourly.decide(at: "20260101T010000Z").fires.isEmpty)
    }

    @Test func `a clock that is set forward is a gap like any other`() throws {
        var hourly = try Hourly(missed: .skip)
        hourly.decide(at: "20260101T003000Z")
        #expect(hourly.decide(at: "20260301T003000Z").fires.isEmpty)
        #expect(hourly.nextAt == "20260301T010000Z")
    }

    // MARK: jitter

    @Test func `jitter makes a time later, never out of order, and the same for whoever asks`() throws {
        var spread: Set<Int64> = []
        for name in ["a", "b", "c"] {
            let decider = try Hourly(name: name, jitter: .seconds(7200)).decider(Timestamp(milliseconds: 0))
            var last = Timestamp(milliseconds: 0)
            for hour in 0..<100 {
                let time = Timestamp(milliseconds: 1_767_225_600_000 + Int64(hour) * 3_600_000)
                let moment = decider.moment(of: time)
                #expect(moment == decider.moment(of: time))
                #expect(moment >= time && moment <= time + .seconds(3600) && moment >= last)
                last = moment
                spread.insert((moment - time).components.seconds / 60)
            }
        }
        #expect(spread.count > 50)
    }

    @Test func `a time whose moment is to come is not decided, and keeps its id`() throws {
        var hourly = try Hourly(jitter: .seconds(3000))
        hourly.decide(at: "20260101T003000Z")
        let time = try #require(Timestamp(compact: "20260101T010000Z"))
        let moment = hourly.decider(time).moment(of: time)
        try #require(moment > time)
        #expect(hourly.decide(time).fires.isEmpty)
        #expect(hourly.state.map { $0.decidedUntil < time } == true)
        #expect(hourly.decide(moment + .milliseconds(-1)).fires.isEmpty)
        #expect(hourly.decide(moment).fires == ["nightly-20260101T010000Z"])
        #expect(hourly.state?.decidedUntil == moment)
    }

    // MARK: what people change

    @Test func `a changed Schedule counts from then on`() throws {
        var hourly = try Hourly(missed: .all, startDeadline: .seconds(86_400))
        hourly.decide(at: "20260101T003000Z")
        hourly.generation = 2
        #expect(hourly.decide(at: "20260101T053000Z").fires.isEmpty)
        #expect(hourly.state?.generation == 2)
        #expect(hourly.decide(at: "20260101T060000Z").fires == ["nightly-20260101T060000Z"])
        hourly.generation = 3
        #expect(hourly.decide(at: "20260101T030000Z").fires.isEmpty)
        #expect(hourly.state?.decidedUntil.compact == "20260101T060000Z")
    }

    @Test func `what passes while it is suspended is not made up for, with and without an end`() throws {
        var hourly = try Hourly(missed: .all, startDeadline: .seconds(86_400))
        hourly.decide(at: "20260101T003000Z")
        hourly.suspend = Suspension(reason: "move")
        #expect(hourly.decide(at: "20260101T020000Z").fires.isEmpty)
        #expect(hourly.nextAt == nil)
        hourly.suspend = Suspension(reason: "move", until: Timestamp(compact: "20260101T043000Z"))
        #expect(hourly.decide(at: "20260101T030000Z").fires.isEmpty)
        #expect(hourly.nextAt == "20260101T050000Z")
        // Nobody looked between 03:00 and 06:00; it was suspended until 04:30.
        #expect(
            hourly.decide(at: "20260101T060000Z").fires == ["nightly-20260101T050000Z", "nightly-20260101T060000Z"])
    }
}

/// `0 * * * *` in UTC, and the state between two decisions.
private struct Hourly {
    var name: String
    var cron: CronExpression
    var trigger: TimeTrigger
    var overlap: ScheduleSpec.Overlap
    var generation = 1 { didSet { appliedAt = nil } }
    /// nil: when it is next decided.
    var appliedAt: Timestamp?
    var suspend: Suspension?
    var state: ScheduleState?
    var nextAt: String?

    init(
        _ cron: String = "0 * * * *", name: String = "nightly", missed: TimeTrigger.Missed = .once,
        startDeadline: Duration = .seconds(3600), jitter: Duration = .zero, overlap: ScheduleSpec.Overlap = .allow
    ) throws {
        self.name = name
        self.cron = try CronExpression(parsing: cron)
        self.overlap = overlap
        trigger = TimeTrigger(cron: cron, jitter: jitter, missed: missed, startDeadline: startDeadline)
    }

    func decider(_ now: Timestamp) -> ScheduleDecider {
        let spec = ScheduleSpec(
            trigger: .time(trigger), request: RunRequest(work: .steps([]), targets: .servers(["server1"])),
            overlap: overlap, suspend: suspend)
        return ScheduleDecider(
            name: name, generation: generation, appliedAt: appliedAt ?? now, spec: spec, trigger: trigger, cron: cron,
            zone: .utc)
    }

    @discardableResult
    mutating func decide(at text: String, isPreviousOpen: Bool = false) -> (fires: [String], cancelPrevious: Bool) {
        guard let now = Timestamp(compact: text) else { return (["no time: \(text)"], false) }
        return decide(now, isPreviousOpen: isPreviousOpen)
    }

    @discardableResult
    mutating func decide(_ now: Timestamp, isPreviousOpen: Bool = false) -> (fires: [String], cancelPrevious: Bool) {
        appliedAt = appliedAt ?? now
        let decision = decider(now).decide(state, now: now, isPreviousOpen: isPreviousOpen)
        state = decision.state
        nextAt = decision.nextAt?.compact
        return (decision.fires.map(\.id), decision.cancelPrevious)
    }
}
