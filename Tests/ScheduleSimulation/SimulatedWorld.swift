// What happens to one Schedule in ten years, and what the leaders do meanwhile: they look when their last decision said to,
// enqueue, write. Times are milliseconds; the store's clock is the world's, plus what somebody set it forwards or back.

internal import Model
internal import Reconcilers

/// One look at the Schedule, as the oracle needs to know it.
struct SimulatedLook {
    var time: Int64
    /// The store's clock.
    var clock: Int64
    var isEnqueued: Bool
    var isWritten: Bool
    /// Up to before this clock a leader watched; the lowest number: it died at once.
    var watchedUntil: Int64
}

struct SimulatedWorld {
    enum Event {
        /// Nobody leads for so long.
        case absence(Int64)
        case clockStep(Int64)
        /// The leader dies at its next fire, and for so long nobody leads.
        case crash(isEnqueued: Bool, absence: Int64)
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
    private var crash: (isEnqueued: Bool, absence: Int64)?
    private var openUntil: Int64 = .min
    /// What a leader of an older epoch last read.
    private var remembered: (state: ScheduleState?, epoch: Int) = (nil, 0)

    private var store = SimulatedStore()
    private(set) var looks: [SimulatedLook] = []

    var created: [String: Int] { store.created }
    var repeats: Int { store.repeats }
    var refused: Int { store.refused }

    init(_ schedule: SimulatedSchedule, generator: inout SplitMix) {
        self.schedule = schedule
        var events: [(time: Int64, event: Event)] = []
        for _ in 0..<400 {
            let time = Int64.random(in: Self.start..<Self.end, using: &generator)
            let absence = Int64.random(
                in: 50...(Bool.random(using: &generator) ? 5000 : 4 * 3_600_000), using: &generator)
            switch Int.random(in: 0..<8, using: &generator) {
            case 0, 1: events.append((time, .absence(absence)))
            case 2: events.append((time, .clockStep(Int64.random(in: -7_200_000...7_200_000, using: &generator))))
            case 3: events.append((time, .deposed))
            default: events.append((time, .crash(isEnqueued: Bool.random(using: &generator), absence: absence)))
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
        let decision = schedule.decider.decide(
            store.state, now: Timestamp(milliseconds: clock), isPreviousOpen: time < openUntil)
        if let crash, !decision.fires.isEmpty {
            if crash.isEnqueued { store.enqueue(decision.fires, epoch: epoch) }
            looks.append(
                SimulatedLook(
                    time: time, clock: clock, isEnqueued: crash.isEnqueued, isWritten: false, watchedUntil: .min))
            self.crash = nil
            depose(for: crash.absence)
            return
        }
        store.enqueue(decision.fires, epoch: epoch)
        store.write(decision.state, epoch: epoch)
        if !decision.fires.isEmpty { openUntil = time + schedule.runTime }
        let wake = max(time + 1, decision.nextAt.map { $0.milliseconds - clockError } ?? Self.end)
        let next = min(wake, events.last?.time ?? Self.end)
        looks.append(
            SimulatedLook(
                time: time, clock: clock, isEnqueued: true, isWritten: true, watchedUntil: max(clock, next + clockError)
            ))
        time = max(time, next)
        while let event = events.last, event.time <= time {
            events.removeLast()
            happen(event.event)
        }
    }

    private mutating func happen(_ event: Event) {
        switch event {
        case .absence(let duration): depose(for: duration)
        case .clockStep(let step): clockError += step
        case .crash(let isEnqueued, let absence): crash = (isEnqueued, absence)
        case .deposed:
            let decision = schedule.decider.decide(
                remembered.state, now: Timestamp(milliseconds: time + clockError), isPreviousOpen: false)
            store.enqueue(decision.fires, epoch: remembered.epoch)
            store.write(decision.state, epoch: remembered.epoch)
        }
    }

    private mutating func depose(for absence: Int64) {
        remembered = (store.state, epoch)
        epoch += 1
        store.seal(epoch)
        time += absence
    }
}

/// What a store promises: the fence, and that a queue knows the ids of its newest jobs (`RunBounds.endedOfServer`).
struct SimulatedStore {
    private static let known = 200

    private(set) var state: ScheduleState?
    private(set) var created: [String: Int] = [:]
    private(set) var repeats = 0
    private(set) var refused = 0
    private var fence = 1
    private var newest: [String] = []
    private var oldest = 0

    mutating func seal(_ epoch: Int) { fence = max(fence, epoch) }

    mutating func enqueue(_ fires: [ScheduleFire], epoch: Int) {
        guard isAccepted(epoch) else { return }
        for fire in fires {
            guard !newest.contains(fire.id) else {
                repeats += 1
                continue
            }
            created[fire.id, default: 0] += 1
            if newest.count < Self.known {
                newest.append(fire.id)
            } else {
                newest[oldest] = fire.id
                oldest = (oldest + 1) % Self.known
            }
        }
    }

    mutating func write(_ state: ScheduleState, epoch: Int) {
        if isAccepted(epoch) { self.state = state }
    }

    private mutating func isAccepted(_ epoch: Int) -> Bool {
        guard epoch >= fence else {
            refused += 1
            return false
        }
        return true
    }
}
