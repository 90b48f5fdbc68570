// What people are told about Schedules: the next times in their zone, over the changes of its clocks.

import Calendar
import Model
import Output
import Store
import Testing

@Suite struct ScheduleTests {
    private static let berlin = TimeTrigger(cron: "30 2 * * *", timeZone: "Europe/Berlin")
    private let request = RunRequest(work: .action(app: "shop", name: "backup"), targets: .instances)

    private func time(_ text: String) throws -> Timestamp { try #require(Timestamp(rfc3339: text)) }

    private func facts(
        _ trigger: ScheduleSpec.Trigger, state: ScheduleState? = nil, suspend: Suspension? = nil,
        at now: String = "2026-11-28T13:00:00Z"
    ) throws -> ScheduleFacts {
        ScheduleFacts(
            ScheduleSpec(trigger: trigger, request: request, suspend: suspend), state: state, now: try time(now))
    }

    private func row(_ facts: ScheduleFacts?, problem: String? = nil) -> ResourceRow {
        let resource = StoredResource(
            key: ResourceKey(.schedule, "nightly"), generation: 2, digest: "d", manifest: "{}", config: [:],
            appliedBy: "ann", appliedAt: Timestamp(milliseconds: 0), problem: problem)
        var row = ResourceRow(resource: resource, status: nil)
        row.schedule = facts
        return row
    }

    @Test func `the next five times are those of the zone, with the offset of each`() throws {
        let forecast = try ScheduleForecast(
            Self.berlin, after: try time("2026-10-23T12:00:00Z"), zones: ZoneDatabase())
        #expect(
            forecast.texts == [
                "2026-10-24T02:30:00+02:00", "2026-10-25T02:30:00+02:00", "2026-10-26T02:30:00+01:00",
                "2026-10-27T02:30:00+01:00", "2026-10-28T02:30:00+01:00",
            ])
    }

    @Test(arguments: [
        (0, "2026-11-28T13:00:00+00:00"), (-12_600, "2026-11-28T09:30:00-03:30"), (20_700, "2026-11-28T18:45:00+05:45"),
        (1172, "2026-11-28T13:19:00+00:19"), (50_400, "2026-11-29T03:00:00+14:00"),
    ])
    func `a time is written with any offset`(_ offset: Int, _ text: String) throws {
        #expect(try time("2026-11-28T13:00:00.999Z").rfc3339(offset: offset) == text)
    }

    @Test func `validate tells each Schedule with its times`() throws {
        let text = try facts(.time(Self.berlin)).text(of: ResourceKey(.schedule, "nightly"))
        #expect(text.hasPrefix("Schedule/nightly  30 2 * * *  Europe/Berlin\n  2026-11-29T02:30:00+01:00\n"))
        #expect(text.split(separator: "\n").count == 6)
        let demand = try facts(.demand).text(of: ResourceKey(.schedule, "a"))
        #expect(demand == "Schedule/a  on demand\n")
    }

    @Test func `the listing has when, zone, next, last and state`() throws {
        let now = try time("2026-11-28T13:00:00Z")
        let state = ScheduleState(
            generation: 2, decidedUntil: now,
            lastRun: .init(id: "nightly-x", time: try time("2026-11-28T01:30:00Z"), queues: [.server("server1")]))
        let condition = ConditionTrigger(metric: "disk", limit: .above(85), lasting: .seconds(300))
        let rows = [
            row(try facts(.time(Self.berlin), state: state)), row(try facts(.condition(condition))),
            row(nil, problem: "not JSON"),
        ]
        let lines = ScheduleListing.table(rows, now: now).lines(Paint(enabled: false, width: .max)).map {
            $0.split(separator: " ").joined(separator: " ")
        }
        #expect(
            lines == [
                "NAME WHEN ZONE NEXT LAST STATE",
                "nightly 30 2 * * * Europe/Berlin 2026-11-29T02:30:00+01:00 11h30m ago Ready",
                "nightly disk > 85 for 5m - - never Ready", "nightly - - - never Unreadable: not JSON",
            ])
    }

    @Test func `a suspended Schedule says until when, and what comes after it`() throws {
        let until = try time("2026-12-24T00:00:00Z")
        let paused = try facts(.time(Self.berlin), suspend: Suspension(reason: "moving", until: until))
        #expect(paused.next.first == "2026-12-24T02:30:00+01:00")
        #expect(StatusWord(paused).text == "Suspended")
        #expect(StatusWord(paused).message == "moving until 2026-12-24T00:00:00.000Z")
        #expect(try facts(.time(Self.berlin), suspend: Suspension(reason: "moving")).next.isEmpty)
        let over = try facts(
            .time(Self.berlin), suspend: Suspension(reason: "moving", until: until), at: "2027-01-01T00:00:00Z")
        #expect(StatusWord(over).text == "Ready")
    }

    @Test func `a zone that is gone, a time that was left out, and what is not watched, are told`() throws {
        let gone = try facts(.time(TimeTrigger(cron: "@daily", timeZone: "Europe/Atlantis")))
        #expect(StatusWord(gone).text == "BadZone" && gone.next.isEmpty)
        let state = ScheduleState(
            generation: 1, decidedUntil: Timestamp(milliseconds: 0), leftOut: "the run before is not over")
        let left = StatusWord(try facts(.time(Self.berlin), state: state))
        #expect(left.text == "LeftOut" && left.message == "the run before is not over")
        let blind = ScheduleState(
            generation: 1, decidedUntil: Timestamp(milliseconds: 0), unwatched: "there is no Server server2")
        let unwatched = StatusWord(try facts(.time(Self.berlin), state: blind))
        #expect(unwatched.text == "Unwatched" && unwatched.message == "there is no Server server2")
    }

    @Test func `a Schedule is Ready at once, and never anything else that can be waited for`() {
        let key = ResourceKey(.schedule, "nightly")
        #expect(WaitTarget(key: key, generation: 7).isMet(by: nil))
        #expect(!WaitTarget(key: key, generation: 7, condition: .drifted).isMet(by: nil))
        #expect(!WaitTarget(key: ResourceKey(.app, "nightly"), generation: 7).isMet(by: nil))
    }
}
