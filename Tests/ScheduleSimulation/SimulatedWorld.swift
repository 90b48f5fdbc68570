// What happens to one Schedule in ten years, and what the leaders do meanwhile: they look when their last decision said to,
// cancel, write what they mean to do, enqueue, write that they did. Times are milliseconds; the store's clock is the world's, plus what somebody set it forwards or back.

internal import Model
internal import Reconcilers
internal import TestSeeds

/// One look at the Schedule, as the oracle needs to know it.
struct SimulatedLook {
    var time: Int64
    /// The store's clock.
    var clock: Int64
    /// How far the leader came.
    var end: LeaderEnd
    /// Up to before this clock a leader watched; the lowest number: it died at once.
    var watchedUntil: Int64
}

/// Where a leader dies at a fire.
enum LeaderEnd: Int, CaseIterable, Comparable {
    case decided, intended, enqueued
    /// It does not.
    case written

    static func < (left: LeaderEnd, right: LeaderEnd) -> Bool { left.rawValue < right.rawValue }
}

struct SimulatedWorld {
    enum Event {
        /// Nobody leads for so long.
        case absence(Int64)
        case clockStep(Int64)
        /// The leader dies at its next fire, and for so long nobody leads.
        case crash(LeaderEnd, absence: Int64)
        /// A leader that was deposed before wakes up and goes on with what it knew.
        case deposed
    }

    static let start: Int64 = 1_767_225_600_000
    static let end = start + 3653 * 86_400_000

    private let schedule: SimulatedSchedule
    private var events: [(time: Int64, event: Event)]
    private var time = Self.start
    private var clockError: Int64 = 0
    private var epoch = 1
    private var crash: (end: LeaderEnd, absence: Int64)?
    /// The run of which nobody wrote that it was enqueued.
    private var unwritten: String?
    /// What a leader of an older epoch last read.
    private var remembered: (state: ScheduleState?, epoch: Int) = (nil, 0)

    private var store: SimulatedStore
    private(set) var looks: [SimulatedLook] = []
    /// How often a later time met a run that was open and of which nobody wrote that it was enqueued.
    private(set) var inherited = 0

    var created: [String: Int] { store.created }
    var repeats: Int { store.repeats }
    var refused: Int { store.refused }
    var overlaps: Int { store.overlaps }
    var lost: Int { store.lost }

    init(_ schedule: SimulatedSchedule, generator: inout SeededGenerator) {
        self.schedule = schedule
        store = SimulatedStore(runTime: schedule.runTime, mayOverlap: schedule.overlap == .allow)
        var events: [(time: Int64, event: Event)] = []
        for _ in 0..<400 {
            let time = Int64.random(in: Self.start..<Self.end, using: &generator)
            let absence = Int64.random(
                in: 50...(Bool.random(using: &generator) ? 5000 : 4 * 3_600_000), using: &generator)
            // Sometimes the next time is due before anybody leads again.
            let away = Int.random(in: 0..<4, using: &generator) == 0 ? schedule.plan.interval + absence : absence
            switch Int.random(in: 0..<8, using: &generator) {
            case 0, 1: events.append((time, .absence(absence)))
            case 2: events.append((time, .clockStep(Int64.random(in: -7_200_000...7_200_000, using: &generator))))
            case 3: events.append((time, .deposed))
            case 4: events.append((time, .crash(.decided, absence: away)))
            case 5: events.append((time, .crash(.intended, absence: away)))
            default: events.append((time, .crash(.enqueued, absence: away)))
            }
        }
        // Once, nobody is there for more than a week.
        events.append((Int64.random(in: Self.start..<Self.end, using: &generator), .absence(9 * 86_400_000)))
        self.events = events.sorted { $0.time > $1.time }
    }

    mutating func run() {
        while time < Self.end { look() }
    }

    private mutating func look() {
        let clock = time + clockError
        let isOpen = store.isLastOpen(at: time)
        let decision = schedule.decider.decide(
            store.state, now: Timestamp(milliseconds: clock), isPreviousOpen: isOpen)
        if isOpen, let unwritten, unwritten == store.state?.lastRun?.id, decision.hasMetPrevious { inherited += 1 }
        let end = decision.fires.isEmpty ? .written : crash?.end ?? .written
        act(on: decision, until: end, epoch: epoch)
        if let crash, end != .written {
            looks.append(SimulatedLook(time: time, clock: clock, end: end, watchedUntil: .min))
            unwritten = end == .enqueued ? decision.fires.last?.id : unwritten
            self.crash = nil
            return depose(for: crash.absence)
        }
        if !decision.fires.isEmpty { unwritten = nil }
        let wake = max(time + 1, decision.nextAt.map { $0.milliseconds - clockError } ?? Self.end)
        let next = min(wake, events.last?.time ?? Self.end)
        looks.append(
            SimulatedLook(time: time, clock: clock, end: end, watchedUntil: max(clock, next + clockError)))
        time = max(time, next)
        while let event = events.last, event.time <= time {
            events.removeLast()
            happen(event.event)
        }
    }

    /// As `ScheduleService` does.
    private mutating func act(on decision: ScheduleDecision, until end: LeaderEnd, epoch: Int) {
        var state = decision.state
        if decision.cancelPrevious { store.cancelLast(epoch: epoch) }
        guard end > .decided else { return }
        if let fire = decision.fires.last {
            let run = ScheduleState.LastRun(id: fire.id, time: fire.time, queues: [])
            if schedule.overlap != .allow { store.write(decision.intent(run), epoch: epoch) }
            state.lastRun = run
        }
        guard end > .intended else { return }
        store.enqueue(decision.fires, at: time, epoch: epoch)
        guard end > .enqueued else { return }
        store.write(state, epoch: epoch)
    }

    private mutating func happen(_ event: Event) {
        switch event {
        case .absence(let duration): depose(for: duration)
        case .clockStep(let step): clockError += step
        case .crash(let end, let absence): crash = (end, absence)
        case .deposed:
            let decision = schedule.decider.decide(
                remembered.state, now: Timestamp(milliseconds: time + clockError), isPreviousOpen: true)
            act(on: decision, until: .written, epoch: remembered.epoch)
        }
    }

    private mutating func depose(for absence: Int64) {
        remembered = (store.state, epoch)
        epoch += 1
        store.seal(epoch)
        time += absence
    }
}

extension ScheduleDecision {
    /// A run before that is open made a difference.
    fileprivate var hasMetPrevious: Bool { cancelPrevious || state.leftOut?.contains("was not over") ?? false }
}
