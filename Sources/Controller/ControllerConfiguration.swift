// Every timing and bound of the controller in one place: code takes them from here and nowhere else.

/// How one controller replica behaves.
public struct ControllerConfiguration: Sendable {
    /// This replica's name in the lock and in events.
    public var holder: String

    public init(holder: String) {
        self.holder = holder
    }

    // Leadership.
    public var leaseTTL: Duration = .seconds(3)
    public var renewEvery: Duration = .seconds(1)
    /// A leader stops acting this long before its lease ends by its own clock.
    public var stopActingBefore: Duration = .milliseconds(500)
    /// Who has the lock and cannot seal and catch up within this time gives it up: another replica may be able to.
    public var prepareWithin: Duration = .seconds(15)
    /// How often a standby tries.
    public var standbyPoll: Duration = .milliseconds(50)
    /// A standby takes over early only when its own connection has stood for longer.
    public var preemptAfterConnectionAge: Duration = .seconds(1)
    /// After losing the lock, how long before this replica tries again: leadership cannot flap faster.
    public var cooldown: Duration = .seconds(1)
    /// How long before a presence line that could not be opened is tried again.
    public var presenceRetry: Duration = .milliseconds(200)

    // The loop.
    public var workers = 16
    public var queue = Backoff(base: .milliseconds(50), maximum: .seconds(5))
    /// Immediate repeats of one key after a conflict, before it backs off like any failure.
    public var conflictRepeats = 5
    /// The failure of one key, counted in a row, that people are told of.
    public var failuresTold = 5
    /// Keys put on the queue in one go before others get their turn.
    public var requeueBatch = 1000

    // The feed.
    public var feedPoll: Duration = .seconds(1)
    /// Entries read of one shard at a time.
    public var feedLimit = 1000
    /// A hint stream that ended is opened again after this time; reading after a failure waits as long.
    public var feedRetry: Duration = .milliseconds(250)
    /// Resources read at once.
    public var resourceReaders = 16

    // The inbox.
    /// Lists that are inboxes beside the store's own.
    public var inboxes: [String] = []
    public var inboxPoll: Duration = .milliseconds(100)
    /// What could not be done because of the store is tried again after this time.
    public var inboxRetry: Duration = .seconds(1)

    // Housekeeping.
    public var staleCheck: Duration = .seconds(1)
    public var fullPass: Duration = .seconds(60)
    /// In this time every observed hash is read and compared once, whatever the proofs say.
    public var deepPass: Duration = .seconds(600)
    public var deepPassBatch = 100
    /// All shards are looked at for hand edits once in this time.
    public var handEdits: Duration = .seconds(2)
    /// How many steps such a round is taken in: as many as there are shards, because what one step asks keeps Redis busy,
    /// and a drift that is reported meanwhile waits for it.
    public var handEditSteps = 64

    // Schedules.
    /// A look at what is due, beside those at the times that are known: whoever has just become leader sees it so soon.
    public var scheduleLook: Duration = .milliseconds(100)
    /// All are read again so often, whatever was said of changes: what could not be read may be readable by now.
    public var scheduleReading: Duration = .seconds(60)
    /// How often the measurements of conditions are looked at.
    public var conditionLook: Duration = .seconds(1)
    /// Schedules with times that are decided together, in a few calls for all of them.
    public var schedulesTogether = 250
    /// Jobs of such that are enqueued together: a batch ends with the Schedule that reaches this.
    public var scheduledJobsTogether = 10_000
    /// Schedules that are decided each for itself, at the same time: those with conditions.
    public var schedulesAtOnce = 16
    /// Queues of its last run that a Schedule remembers: by these it knows whether that is over.
    public var scheduleQueuesKept = 1000

    // Statuses.
    public var statusEvery: Duration = .milliseconds(50)
    /// How many statuses of another leader are looked through each time.
    public var statusReview = 50
    /// Statuses written at once.
    public var statusWriters = 16
}

/// Waits that double.
public struct Backoff: Sendable, Hashable {
    public var base: Duration
    public var maximum: Duration

    public init(base: Duration, maximum: Duration) {
        self.base = base
        self.maximum = maximum
    }

    /// Doublings after which every wait is the maximum; keeps the shift in range.
    private static let maximumDoublings = 20

    /// The wait after failure number `attempt` (1 for the first): the doubled base, spread over its upper half by `seed`,
    /// so that the same key and attempt wait the same time in every replay.
    public func wait(attempt: Int, seed: UInt64) -> Duration {
        let doublings = min(max(attempt - 1, 0), Self.maximumDoublings)
        let full = min(base * (1 << doublings), maximum)
        let share = Double(Self.mixed(seed &+ UInt64(attempt)) >> 11) / Double(1 << 53)
        return full / 2 + (full / 2) * share
    }

    /// SplitMix64: spreads close seeds far.
    private static func mixed(_ value: UInt64) -> UInt64 {
        var mixed = value &+ 0x9E37_79B9_7F4A_7C15
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}
