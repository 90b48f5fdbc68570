// What a store promises: the fence, that a queue knows the ids of its newest jobs (`RunBounds.endedOfServer`), and that what
// was cancelled does not run. It counts what must never come: runs beside each other, and a run that was wanted and cancelled.

internal import Model
internal import Reconcilers

struct SimulatedStore {
    private static let known = 200

    private(set) var state: ScheduleState?
    private(set) var created: [String: Int] = [:]
    private(set) var repeats = 0
    private(set) var refused = 0
    private(set) var overlaps = 0
    private(set) var lost = 0
    private let runTime: Int64
    private let mayOverlap: Bool
    /// Runs, each until it ends by itself.
    private var open: [String: Int64] = [:]
    private var cancelled: Set<String> = []
    private var fence = 1
    private var newest: [String] = []
    private var oldest = 0

    init(runTime: Int64, mayOverlap: Bool) {
        self.runTime = runTime
        self.mayOverlap = mayOverlap
    }

    /// Whether the last run that the state knows is open; where runs may overlap, nobody asks.
    func isLastOpen(at time: Int64) -> Bool {
        guard !mayOverlap, let end = state?.lastRun.flatMap({ open[$0.id] }) else { return false }
        return end > time
    }

    mutating func seal(_ epoch: Int) { fence = max(fence, epoch) }

    mutating func cancelLast(epoch: Int) {
        guard isAccepted(epoch), let id = state?.lastRun?.id, open.removeValue(forKey: id) != nil else { return }
        cancelled.insert(id)
    }

    mutating func enqueue(_ fires: [ScheduleFire], at time: Int64, epoch: Int) {
        guard isAccepted(epoch) else { return }
        open = open.filter { $0.value > time }
        for fire in fires {
            guard !newest.contains(fire.id) else {
                repeats += 1
                if cancelled.contains(fire.id) { lost += 1 }
                continue
            }
            if !mayOverlap, !open.isEmpty { overlaps += 1 }
            created[fire.id, default: 0] += 1
            open[fire.id] = time + runTime
            remember(fire.id)
        }
    }

    mutating func write(_ state: ScheduleState, epoch: Int) {
        if isAccepted(epoch) { self.state = state }
    }

    private mutating func remember(_ id: String) {
        if newest.count < Self.known {
            newest.append(id)
        } else {
            newest[oldest] = id
            oldest = (oldest + 1) % Self.known
        }
    }

    private mutating func isAccepted(_ epoch: Int) -> Bool {
        guard epoch >= fence else {
            refused += 1
            return false
        }
        return true
    }
}
