// One controller replica: the election, the feed, the loop and the housekeeping as children of one task group; shutdown is
// the reverse of start.

public import Logging
public import ServiceLifecycle
public import Store
import Model
import Synchronization

/// Runs one replica over any store until it is asked to stop.
public struct ControllerService: Service {
    private let store: any ControllerStore
    private let configuration: ControllerConfiguration
    private let time: any MonotonicTime
    private let logger: Logger

    public init(store: any ControllerStore, configuration: ControllerConfiguration, logger: Logger) {
        self.init(store: store, configuration: configuration, time: SystemTime(), logger: logger)
    }

    package init(
        store: any ControllerStore, configuration: ControllerConfiguration, time: any MonotonicTime, logger: Logger
    ) {
        self.store = store
        self.configuration = configuration
        self.time = time
        self.logger = logger
    }

    public func run() async throws {
        let replica = Replica(store: store, configuration: configuration, time: time, logger: logger)
        await withGracefulShutdownHandler {
            await replica.run()
        } onGracefulShutdown: {
            replica.shutDown()
        }
    }
}

/// The parts of a replica, wired.
package struct Replica: Sendable {
    package let loop: ReconcileLoop
    package let leadership = Leadership()
    package let follower: FeedFollower
    package let elector: Elector
    private let clock: StoreClock
    private let store: any ControllerStore
    private let configuration: ControllerConfiguration
    private let time: any MonotonicTime
    private let logger: Logger

    package init(
        store: any ControllerStore, configuration: ControllerConfiguration, time: any MonotonicTime, logger: Logger,
        makeNonce: @escaping @Sendable () -> String = Elector.randomNonce
    ) {
        self.store = store
        self.configuration = configuration
        self.time = time
        self.logger = logger
        clock = StoreClock(time: time)
        loop = ReconcileLoop(
            store: store, leadership: leadership, clock: clock, configuration: configuration, time: time,
            logger: logger)
        follower = FeedFollower(
            store: store, loop: loop, clock: clock, configuration: configuration, time: time, logger: logger)
        elector = Elector(
            store: store,
            delegate: TermKeeper(
                store: store, loop: loop, follower: follower, leadership: leadership, clock: clock, time: time),
            leadership: leadership, configuration: configuration, time: time, logger: logger, makeNonce: makeNonce)
    }

    /// Hands leadership over, if it is here, and makes `run` return.
    package func shutDown() { elector.shutDown() }

    /// Runs until `shutDown` or cancellation.
    package func run() async {
        let loaded = Signal()
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await follower.run { loaded.raise() } }
            group.addTask { await loop.run() }
            group.addTask { await statusWriter.run() }
            group.addTask { await housekeeper.run() }
            group.addTask { await schedules.run() }
            group.addTask { await inbox.run() }
            // Only who knows the fleet may lead it.
            await elector.run(after: loaded)
            group.cancelAll()
        }
    }

    private var statusWriter: StatusWriter {
        StatusWriter(
            store: store, loop: loop, leadership: leadership, clock: clock, configuration: configuration, time: time,
            logger: logger)
    }

    private var schedules: ScheduleService {
        ScheduleService(
            store: store, loop: loop, leadership: leadership, clock: clock, configuration: configuration, time: time,
            logger: logger, changed: follower.schedulesChanged)
    }

    package var inbox: InboxService {
        InboxService(
            store: store, leadership: leadership, configuration: configuration, time: time, logger: logger)
    }

    package var housekeeper: Housekeeper {
        Housekeeper(
            store: store, loop: loop, leadership: leadership, clock: clock, configuration: configuration, time: time,
            logger: logger)
    }
}

/// What happens at the turns of a term.
private struct TermKeeper: LeadershipDelegate {
    let store: any ControllerStore
    let loop: ReconcileLoop
    let follower: FeedFollower
    let leadership: Leadership
    let clock: StoreClock
    let time: any MonotonicTime

    func catchUp(_ lease: Lease) async throws(StoreError) { try await follower.catchUp() }

    func leadershipChanged() async {
        guard let lease = leadership.lease(at: time.now()) else { return await loop.leadershipEnded() }
        await loop.leadershipBegan()
        await record("LeaderElected", "\(lease.holder) leads, epoch \(lease.epoch)", lease)
    }

    func termEnded(_ lease: Lease, why: String) async {
        await record("LeaderStepsDown", "\(lease.holder) leads no longer, epoch \(lease.epoch): \(why)", lease)
    }

    private func record(_ reason: String, _ message: String, _ lease: Lease) async {
        guard let now = clock.now() else { return }
        let event = Event(at: now, severity: .normal, subject: "leader", reason: reason, message: message)
        // An event is for people: that it is lost with a lost leadership is no fault.
        try? await store.record(event, lease: lease)
    }
}
