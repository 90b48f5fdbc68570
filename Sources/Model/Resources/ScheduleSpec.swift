// The spec of a Schedule, as read from a manifest: when something is run, what, and where.

public struct ScheduleSpec: Sendable, Hashable {
    public var trigger: Trigger
    public var request: RunRequest
    /// What happens when it is time and the run before is not over.
    public var overlap: Overlap
    public var suspend: Suspension?

    public init(trigger: Trigger, request: RunRequest, overlap: Overlap = .forbid, suspend: Suspension? = nil) {
        self.trigger = trigger
        self.request = request
        self.overlap = overlap
        self.suspend = suspend
    }

    public enum Trigger: Sendable, Hashable {
        case time(TimeTrigger)
        case condition(ConditionTrigger)
        /// Only when somebody asks: a template for jobs.
        case demand
    }

    public enum Overlap: String, Sendable, Hashable, CaseIterable {
        /// The new one is left out.
        case forbid
        /// Both run.
        case allow
        /// The old one is cancelled.
        case replace
    }
}

public struct TimeTrigger: Sendable, Hashable {
    /// Five fields, or six with seconds first, or `@daily` and the like; checked when it was read.
    public var cron: String
    /// An IANA name: `Europe/Berlin`.
    public var timeZone: String
    /// Each fire is later by up to this, the same for the same schedule and time.
    public var jitter: Duration
    public var missed: Missed
    /// A time that could not be kept is still of use for so long.
    public var startDeadline: Duration

    public static let startDeadline: Duration = .seconds(3600)

    public init(
        cron: String, timeZone: String = "UTC", jitter: Duration = .zero, missed: Missed = .once,
        startDeadline: Duration = TimeTrigger.startDeadline
    ) {
        self.cron = cron
        self.timeZone = timeZone
        self.jitter = jitter
        self.missed = missed
        self.startDeadline = startDeadline
    }

    /// What happens to times at which no leader was there.
    public enum Missed: String, Sendable, Hashable, CaseIterable {
        case skip
        /// The latest of them is made up for.
        case once
        case all
    }
}

/// A value of the monitor hash that is above or below a limit for some time: fires once when that begins to hold.
public struct ConditionTrigger: Sendable, Hashable {
    /// `disk`: a field of the monitor hash.
    public var metric: String
    public var limit: Limit
    /// How long it must hold.
    public var lasting: Duration
    /// No second fire on that server for so long after one.
    public var coolDown: Duration

    public static let coolDown: Duration = .seconds(3600)

    public init(
        metric: String, limit: Limit, lasting: Duration = .zero, coolDown: Duration = ConditionTrigger.coolDown
    ) {
        self.metric = metric
        self.limit = limit
        self.lasting = lasting
        self.coolDown = coolDown
    }

    public enum Limit: Sendable, Hashable {
        case above(Double)
        case below(Double)

        public func holds(_ value: Double) -> Bool {
            switch self {
            case .above(let limit): value > limit
            case .below(let limit): value < limit
            }
        }
    }
}

/// How far a Schedule has come; its leader keeps it in the store.
public struct ScheduleState: Sendable, Hashable {
    /// The generation that this is of: with another trigger, times are counted anew.
    public var generation: Int
    /// Every time up to this one is decided.
    public var decidedUntil: Timestamp
    /// The last run, by its id, and where it went, or was about to go when this was written; nil before the first.
    public var lastRun: LastRun?
    /// Of a condition, by server: only servers where it holds, or that are cooling down.
    public var edges: [String: Edge]
    /// Why the last time was left out, for people; nil if it was not.
    public var leftOut: String?
    /// Of a condition: why nothing is watched, for people; nil while something is.
    public var unwatched: String?

    public init(
        generation: Int, decidedUntil: Timestamp, lastRun: LastRun? = nil, edges: [String: Edge] = [:],
        leftOut: String? = nil, unwatched: String? = nil
    ) {
        self.generation = generation
        self.decidedUntil = decidedUntil
        self.lastRun = lastRun
        self.edges = edges
        self.leftOut = leftOut
        self.unwatched = unwatched
    }

    public struct LastRun: Sendable, Hashable {
        public var id: String
        /// The time that it was for.
        public var time: Timestamp
        public var queues: [RunQueue]
        /// On each of them; several only in a pool.
        public var jobs: Int

        public init(id: String, time: Timestamp, queues: [RunQueue], jobs: Int = 1) {
            self.id = id
            self.time = time
            self.queues = queues
            self.jobs = jobs
        }
    }

    public struct Edge: Sendable, Hashable {
        /// Since when the condition holds; nil while it does not.
        public var since: Timestamp?
        /// When it last fired.
        public var firedAt: Timestamp?
        /// Whether it fired since it began to hold.
        public var hasFired: Bool

        public init(since: Timestamp? = nil, firedAt: Timestamp? = nil, hasFired: Bool = false) {
            self.since = since
            self.firedAt = firedAt
            self.hasFired = hasFired
        }
    }
}
