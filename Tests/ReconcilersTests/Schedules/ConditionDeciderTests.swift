import Calendar
import Model
import Reconcilers
import Testing

@Suite("Schedules with a condition")
struct ConditionDeciderTests {
    @Test func `fires once when it held for long enough, with the time of its onset`() {
        var disk = Disk(lasting: .seconds(300))
        #expect(disk.decide(at: 0, ["a": 90, "b": 20]).isEmpty)
        #expect(disk.nextAt == 300)
        #expect(disk.decide(at: 299, ["a": 95]).isEmpty)
        #expect(disk.decide(at: 300, ["a": 95]) == ["a disk-19700101T000000Z"])
        #expect(disk.nextAt == nil)
        #expect(disk.decide(at: 100_000, ["a": 95]).isEmpty)
    }

    @Test func `the limit itself is not beyond it, and below is the other way round`() {
        var disk = Disk(lasting: .zero)
        disk.decide(at: 0, ["a": 85])
        #expect(disk.edges.isEmpty)
        var free = Disk(lasting: .zero, limit: .below(15))
        free.decide(at: 0, ["a": 14, "b": 15])
        #expect(free.decide(at: 1, ["a": 14, "b": 15]) == ["a disk-19700101T000000Z"])
    }

    @Test func `an onset is written before it fires, so that a successor finds the same id`() {
        var disk = Disk(lasting: .zero)
        #expect(disk.decide(at: 10, ["a": 90]).isEmpty)
        #expect(disk.nextAt == 10)
        let written = disk.state
        #expect(disk.decide(at: 10, ["a": 90]) == ["a disk-19700101T000010Z"])
        disk.state = written
        #expect(disk.decide(at: 14, ["a": 90]) == ["a disk-19700101T000010Z"])
    }

    @Test func `one that ends too soon fires nothing, and the next counts anew`() {
        var disk = Disk(lasting: .seconds(300))
        disk.decide(at: 0, ["a": 90])
        disk.decide(at: 200, ["a": 50])
        #expect(disk.edges.isEmpty)
        disk.decide(at: 250, ["a": 90])
        #expect(disk.decide(at: 500, ["a": 90]).isEmpty)
        #expect(disk.decide(at: 550, ["a": 90]) == ["a disk-19700101T000410Z"])
    }

    @Test func `fires again only after it ended, and after the cool-down`() {
        var disk = Disk(lasting: .zero, coolDown: .seconds(3600))
        disk.decide(at: 0, ["a": 90])
        #expect(disk.decide(at: 1, ["a": 90]).count == 1)
        #expect(disk.decide(at: 4000, ["a": 90]).isEmpty)
        disk.decide(at: 4001, ["a": 50])
        disk.decide(at: 4002, ["a": 90])
        #expect(disk.decide(at: 4003, ["a": 90]) == ["a disk-19700101T010642Z"])
        // Within the cool-down it waits for its end,
        disk.decide(at: 4100, ["a": 50])
        disk.decide(at: 4200, ["a": 90])
        #expect(disk.nextAt == 7603)
        #expect(disk.decide(at: 7602, ["a": 90]).isEmpty)
        #expect(disk.decide(at: 7603, ["a": 90]) == ["a disk-19700101T011000Z"])
        // and fires nothing if it does not hold any more then.
        disk.decide(at: 7700, ["a": 50])
        disk.decide(at: 7800, ["a": 90])
        disk.decide(at: 7900, ["a": 50])
        #expect(disk.decide(at: 12_000, ["a": 50]).isEmpty)
        #expect(disk.edges.isEmpty)
    }

    @Test func `where there is no measurement nothing begins, ends or fires`() {
        var disk = Disk(lasting: .seconds(300))
        disk.decide(at: 0, ["a": nil, "b": .nan])
        #expect(disk.edges.isEmpty)
        disk.decide(at: 10, ["a": 90])
        #expect(disk.decide(at: 400, ["a": nil]).isEmpty)
        #expect(disk.decide(at: 401, ["a": 90]) == ["a disk-19700101T000010Z"])
        disk.decide(at: 402, ["a": nil])
        #expect(disk.decide(at: 10_000, ["a": 90]).isEmpty)
    }

    @Test func `each server for itself, and only those that matter are remembered`() {
        var disk = Disk(lasting: .zero, coolDown: .seconds(100))
        disk.decide(at: 0, ["a": 90, "b": 90, "c": 10])
        #expect(disk.decide(at: 1, ["a": 90, "b": 90, "c": 10]).count == 2)
        #expect(disk.edges.keys.sorted() == ["a", "b"])
        // `a` is not chosen any more; its cool-down stays until it is over.
        disk.decide(at: 2, ["b": 10])
        #expect(disk.edges.keys.sorted() == ["a", "b"])
        disk.decide(at: 101, ["b": 10])
        #expect(disk.edges.isEmpty)
    }

    @Test func `what began while it was suspended never fires`() {
        var disk = Disk(lasting: .zero)
        disk.suspend = Suspension(reason: "move", until: Timestamp(milliseconds: 100_000))
        disk.decide(at: 0, ["a": 90])
        disk.decide(at: 50, ["a": 90])
        #expect(disk.decide(at: 200, ["a": 90]).isEmpty)
        disk.decide(at: 300, ["a": 50])
        disk.decide(at: 301, ["a": 90])
        #expect(disk.decide(at: 302, ["a": 90]).count == 1)
    }

    @Test func `a changed Schedule begins anew, but for the cool-down`() {
        var disk = Disk(lasting: .zero, coolDown: .seconds(100))
        disk.decide(at: 0, ["a": 90])
        #expect(disk.decide(at: 1, ["a": 90]).count == 1)
        disk.generation = 2
        #expect(disk.decide(at: 50, ["a": 90]).isEmpty)
        #expect(disk.nextAt == 101)
        #expect(disk.decide(at: 101, ["a": 90]) == ["a disk-19700101T000050Z"])
    }

    @Test func `a clock that is set back makes nobody wait for longer than from then on`() {
        var disk = Disk(lasting: .zero, coolDown: .seconds(100))
        disk.decide(at: 100_000, ["a": 90])
        #expect(disk.decide(at: 100_001, ["a": 90]).count == 1)
        disk.decide(at: 10, ["a": 50])
        disk.decide(at: 11, ["a": 90])
        #expect(disk.nextAt == 110)
        #expect(disk.decide(at: 110, ["a": 90]).count == 1)
    }
}

/// Above 85, and the state between two decisions; times are seconds.
private struct Disk {
    var trigger: ConditionTrigger
    var generation = 1
    var suspend: Suspension?
    var state: ScheduleState?
    var nextAt: Int64?

    init(lasting: Duration, coolDown: Duration = .seconds(3600), limit: ConditionTrigger.Limit = .above(85)) {
        trigger = ConditionTrigger(metric: "disk", limit: limit, lasting: lasting, coolDown: coolDown)
    }

    var edges: [String: ScheduleState.Edge] { state?.edges ?? [:] }

    @discardableResult
    mutating func decide(at second: Int64, _ values: [String: Double?]) -> [String] {
        let spec = ScheduleSpec(
            trigger: .condition(trigger), request: RunRequest(work: .steps([]), targets: .servers(["a"])),
            suspend: suspend)
        let decider = ConditionDecider(name: "disk", generation: generation, spec: spec, trigger: trigger)
        let decision = decider.decide(
            state, now: Timestamp(milliseconds: second * 1000),
            measurements: values.map { Measurement(server: $0.key, value: $0.value) })
        state = decision.state
        nextAt = decision.nextAt.map { $0.milliseconds / 1000 }
        return decision.fires.map { "\($0.server) \($0.fire.id)" }
    }
}
