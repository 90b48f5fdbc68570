// The loop: owns the fleet and the queue, hands instances to a bounded number of workers, and takes back what they found.
//
// Every replica runs it. What differs for the leader is one thing: it may commit. A standby comes to the same decisions,
// remembers which of them would have written, and decides those again when it leads.
//
// Guarantees: all state changes in short synchronous steps; workers read, decide and write outside of the actor. Lists of
// instances to look at, however long, are put on the queue in bounded portions.

import DequeModule
package import Logging
package import Model
import Reconcilers
package import Store

package actor ReconcileLoop {
    package private(set) var fleet = Fleet()
    private var queue: WorkQueue<Slot>
    /// Instances to be queued, and how urgently: what a change of many brought.
    private var backlog = Deque<(slot: Slot, priority: WorkPriority)>()
    /// Looked at one by one since the survey's portion under way was begun: what was found then is newer.
    private var finishedMeanwhile: Set<Slot>?
    private var trusted: (renewals: Int, recent: Set<Slot>, before: Set<Slot>) = (0, [], [])
    nonisolated let store: any ControllerStore
    nonisolated let leadership: Leadership
    nonisolated let clock: StoreClock
    nonisolated let configuration: ControllerConfiguration
    nonisolated let time: any MonotonicTime
    nonisolated let logger: Logger
    private nonisolated let signal = Signal()

    package init(
        store: any ControllerStore, leadership: Leadership, clock: StoreClock, configuration: ControllerConfiguration,
        time: any MonotonicTime, logger: Logger
    ) {
        self.store = store
        self.leadership = leadership
        self.clock = clock
        self.configuration = configuration
        self.time = time
        self.logger = logger
        queue = WorkQueue(backoff: configuration.queue)
    }

    // Running

    /// Runs until cancelled.
    package func run() async {
        await withDiscardingTaskGroup { group in
            while !Task.isCancelled {
                moveBacklog()
                let now = time.now()
                while queue.runningCount < configuration.workers, let slot = queue.next(now: now) {
                    group.addTask { await self.work(slot) }
                }
                if !backlog.isEmpty {
                    await Task.yield()
                    continue
                }
                let isFull = queue.runningCount >= configuration.workers
                await signal.wait(until: isFull ? nil : queue.nextDue(now: now), time: time)
            }
        }
    }

    /// How much there is to do now, for tests and logs.
    package var load: (waiting: Int, running: Int) { (queue.waitingCount + backlog.count, queue.runningCount) }

    private func moveBacklog() {
        let now = time.now()
        for _ in 0..<configuration.requeueBatch {
            guard let next = backlog.popFirst() else { return }
            queue.add(next.slot, due: now, priority: next.priority, now: now)
        }
    }

    /// What the fleet wants to be looked at goes on the queue: at once if it is little.
    private func takeWanted(_ priority: WorkPriority = .change) {
        let wanted = fleet.takeWanted()
        guard !wanted.isEmpty else { return }
        add(wanted, priority)
    }

    private func add(_ slots: [Slot], _ priority: WorkPriority) {
        if backlog.isEmpty, slots.count <= configuration.requeueBatch {
            let now = time.now()
            for slot in slots { queue.add(slot, due: now, priority: priority, now: now) }
        } else {
            for slot in slots { backlog.append((slot, priority)) }
        }
        signal.raise()
    }

    // What workers ask and tell

    func begin(_ slot: Slot) -> Work? { fleet.begin(slot) }

    /// A portion of a survey, which ends with `settle`, or where it cannot be read with the next portion.
    func begin(_ slots: ArraySlice<Slot>) -> [Work] {
        finishedMeanwhile = []
        return slots.compactMap { fleet.begin($0) }
    }

    func reserve(_ slot: Slot) -> Bool { fleet.reserve(slot) }

    func finish(_ slot: Slot, _ finding: Finding?, _ result: WorkResult, _ error: StoreError?) {
        let id = error == nil ? nil : fleet.id(slot)
        if let finding { fleet.settle(slot, finding) }
        finishedMeanwhile?.insert(slot)
        let now = time.now()
        let failures = queue.finish(slot, result, now: now)
        // Not each failure is worth a word, but one that stays is.
        if failures >= configuration.failuresTold, let error, error.isLasting { fleet.fail(slot, "\(error)") }
        if failures == configuration.failuresTold, let id, let error {
            logger.warning("an instance cannot be settled", metadata: ["instance": "\(id)", "why": "\(error)"])
        }
        // Decided as a standby, while a term began: who wakes what is pending may have been here before.
        if finding?.isPending == true, leadership.lease(at: now) != nil { add([slot], .change) }
        takeWanted()
        signal.raise()
    }

    // What the feed brings

    /// Takes in resources as they are stored now.
    package func update(_ resources: [CompiledResource]) {
        fleet.update(resources)
        takeWanted()
    }

    package func update(_ servers: [ObservedServer]) {
        for server in servers { fleet.update(server) }
        takeWanted()
    }

    package func setStale(_ silent: [String: Timestamp], at now: Timestamp) {
        fleet.setStale(silent, at: now)
        takeWanted()
    }

    /// Instances that the feed names. A leader knows what it committed itself.
    package func touched(_ instances: [(id: InstanceID, what: String)]) {
        let isLeading = leadership.lease(at: time.now()) != nil
        var slots: [Slot] = []
        for (id, what) in instances {
            let isOwn = what == "committed"
            if isLeading, isOwn {
                // What this replica has just removed is not made anew for its own entry.
                if let slot = fleet.slot(id) { trust(slot) }
                continue
            }
            let slot = fleet.ensureSlot(id)
            if isOwn { fleet.markUnseen(slot) }
            slots.append(slot)
        }
        add(slots, .change)
    }

    /// A leader that was deposed a moment ago does not know it yet, and takes its successor's commits for its own. Each
    /// renewal proves that those before it were; the rest is kept, to be looked at when the term ends.
    private func trust(_ slot: Slot) {
        let renewals = leadership.renewals
        if trusted.renewals != renewals { trusted = (renewals, recent: [], before: trusted.recent) }
        trusted.recent.insert(slot)
    }

    /// A term ended: what was taken for this replica's own last commits is looked at.
    package func leadershipEnded() {
        let doubtful = trusted.recent.union(trusted.before).sorted()
        trusted = (0, recent: [], before: [])
        for slot in doubtful { fleet.markUnseen(slot) }
        add(doubtful, .change)
    }

    /// Takes in a part of a full list. Nothing of it is queued: the survey that ends the list looks at every instance.
    package func list<Value: Sendable>(_ body: @Sendable (inout Fleet) -> Value) -> Value {
        defer { _ = fleet.takeWanted() }
        return body(&fleet)
    }

    /// Makes places for instances that the store has, and returns those of all servers of the shard.
    package func register(_ ids: [InstanceID]) -> [Slot] { ids.map { fleet.ensureSlot($0) } }

    package func resync(_ slots: [Slot]) { add(slots, .resync) }

    /// What a pass over many read: findings are taken in, and what would write is queued.
    func settle(_ findings: [(slot: Slot, finding: Finding)]) {
        let newer = finishedMeanwhile ?? []
        finishedMeanwhile = nil
        for (slot, finding) in findings where !newer.contains(slot) { fleet.settle(slot, finding) }
        takeWanted()
        if leadership.lease(at: time.now()) != nil {
            add(findings.lazy.filter { $0.finding.isPending }.map(\.slot), .resync)
        }
    }

    /// Lets synchronous questions and changes be made of the fleet in one step.
    package func withFleet<Value: Sendable>(_ body: @Sendable (inout Fleet) -> Value) -> Value {
        defer { takeWanted() }
        return body(&fleet)
    }

    /// A term began: what a standby had decided is decided again, and now written.
    package func leadershipBegan() {
        fleet.forgetStatuses()
        fleet.wakePending()
        takeWanted()
        signal.raise()
    }
}
