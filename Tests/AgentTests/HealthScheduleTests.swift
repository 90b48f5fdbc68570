// When checks are due: time is an argument.

import Agent
import Model
import Testing

@Suite struct HealthScheduleTests {
    private static let id = InstanceID(app: "webapp", server: "server1")

    private static func schedule(every: Duration, at now: ContinuousClock.Instant) -> HealthSchedule {
        var schedule = HealthSchedule()
        let field = DesiredField.health("home", .tcp("127.0.0.1:1"), every: every)
        schedule.assign([Assignment(id: id, generation: 1, digest: "d", fields: [field])], now: now)
        return schedule
    }

    @Test func `a check that is well is due after its interval, and never runs twice at once`() {
        let now = ContinuousClock.now
        var schedule = Self.schedule(every: .seconds(5), at: now)
        let due = schedule.take(now: now)
        #expect(due.count == 1)
        #expect(schedule.take(now: now + .seconds(60)).isEmpty)
        schedule.finish(due[0], value: FieldValue.healthy, now: now + .seconds(1))
        #expect(schedule.nextDue == now + .seconds(6))
    }

    @Test func `a check that is not well is looked at soon, then less and less, up to its interval`() {
        var now = ContinuousClock.now
        var schedule = Self.schedule(every: .seconds(1), at: now)
        var waits: [Duration] = []
        for _ in 0..<7 {
            let due = schedule.take(now: now)
            #expect(due.count == 1)
            schedule.finish(due[0], value: FieldValue.unhealthy("no"), now: now)
            let next = schedule.nextDue ?? now
            waits.append(next - now)
            now = next
        }
        #expect(waits == [50, 100, 200, 400, 800, 1000, 1000].map { .milliseconds($0) })
    }

    @Test func `a change of the instance makes its checks due soon`() {
        let now = ContinuousClock.now
        var schedule = Self.schedule(every: .seconds(60), at: now)
        let due = schedule.take(now: now)
        schedule.finish(due[0], value: FieldValue.healthy, now: now)
        schedule.hurry(Self.id, now: now)
        #expect(schedule.nextDue == now + HealthSchedule.soonest)
    }

    @Test func `an assignment that says the same leaves the times as they are`() {
        let now = ContinuousClock.now
        var schedule = Self.schedule(every: .seconds(60), at: now)
        let due = schedule.take(now: now)
        schedule.finish(due[0], value: FieldValue.healthy, now: now)
        let field = DesiredField.health("home", .tcp("127.0.0.1:1"), every: .seconds(60))
        schedule.assign(
            [Assignment(id: Self.id, generation: 2, digest: "e", fields: [field])], now: now + .seconds(5))
        #expect(schedule.nextDue == now + .seconds(60))
        schedule.assign([], now: now)
        #expect(schedule.count == 0)
    }
}
