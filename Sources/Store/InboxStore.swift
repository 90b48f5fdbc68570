// The inbox: lists into which anything may push a job or the name of one. What is taken from a list is kept beside it under
// an id until it is settled, so that it is neither lost nor done twice, whoever dies in between.
//
// Guarantees: an item is in a list, taken, or settled; its id is the same for all who look at it, and comes once.
// Assumption: only the leader takes and settles, and its lease proves it.

public import Model

/// What somebody pushed.
public struct InboxItem: Sendable, Hashable {
    /// `inbox-1795871578351`: counts up, and is never below the store's clock in ms when it was taken.
    public var id: String
    /// As it was pushed: anything.
    public var text: [UInt8]

    public init(id: String, text: [UInt8]) {
        self.id = id
        self.text = text
    }

    private static let prefix = "inbox-"

    public static func id(_ number: Int64) -> String { "\(prefix)\(number)" }
    /// Whether it is one of those that the store gives, and nobody else may.
    public static func isGiven(id: String) -> Bool { id.hasPrefix(prefix) }

    /// Orders items as they were taken.
    public var number: Int64 { Int64(id.dropFirst(Self.prefix.count)) ?? 0 }
}

/// One job that came of an item.
public struct InboxJob: Sendable, Hashable {
    public var queue: RunQueue
    public var id: String
    public var outcome: Enqueued

    public init(queue: RunQueue, id: String, outcome: Enqueued) {
        self.queue = queue
        self.id = id
        self.outcome = outcome
    }
}

/// What became of an item.
public struct InboxSettlement: Sendable, Hashable {
    public var id: String
    /// The id that the item itself names: what became of it is found under that, too.
    public var name: String?
    public var verdict: Verdict

    public init(id: String, name: String? = nil, verdict: Verdict) {
        self.id = id
        self.name = name
        self.verdict = verdict
    }

    public enum Verdict: Sendable, Hashable {
        case accepted([InboxJob])
        /// One line for people.
        case refused(String)
    }
}

/// What anybody can read of a settled item.
public struct InboxRecord: Sendable, Hashable {
    public var id: String
    public var settledAt: Timestamp
    /// Why it was refused; nil if it was accepted.
    public var refusal: String?
    /// How many jobs came of it; only the first `InboxBounds.listedJobs` are named.
    public var count: Int
    /// `server1/inbox-17`.
    public var jobs: [String]
    /// By job: `created`, or the state in which the first of that id was found.
    public var states: [String]
    /// By job: the key of the hash that its result will be in.
    public var keys: [String]

    public init(
        id: String, settledAt: Timestamp, refusal: String? = nil, count: Int = 0, jobs: [String] = [],
        states: [String] = [], keys: [String] = []
    ) {
        self.id = id
        self.settledAt = settledAt
        self.refusal = refusal
        self.count = count
        self.jobs = jobs
        self.states = states
        self.keys = keys
    }
}

/// An item that was put aside.
public struct RefusedItem: Sendable, Hashable {
    public var id: String
    public var refusedAt: Timestamp
    public var reason: String
    /// The first `InboxBounds.keptBytes` of it.
    public var text: [UInt8]

    public init(id: String, refusedAt: Timestamp, reason: String, text: [UInt8]) {
        self.id = id
        self.refusedAt = refusedAt
        self.reason = reason
        self.text = text
    }
}

/// What a look at the lists says.
public struct InboxLook: Sendable, Hashable {
    /// Something was pushed, or taken and not settled yet.
    public var hasItems: Bool
    /// Lists that are none: a key of another type has that name.
    public var damaged: [String]

    public init(hasItems: Bool, damaged: [String] = []) {
        self.hasItems = hasItems
        self.damaged = damaged
    }
}

public enum InboxBounds {
    /// Items that are taken and not settled.
    public static let taken = 64
    /// Bytes moved by one call; a single item may be more, up to `RunBounds.jobBytes`.
    public static let batchBytes = 1 << 20
    /// Of an item that was refused.
    public static let keptBytes = 1024
    public static let refused = 1000
    /// What is remembered of settled items: so many, for so long.
    public static let records = 10_000
    public static let recordsFor: Duration = .seconds(7 * 86_400)
    public static let listedJobs = 1000
    /// Lists beside the store's own.
    public static let lists = 8
    public static let longestList = 256

    public static func tooLarge(_ bytes: Int) -> String {
        "expected at most \(RunBounds.jobBytes) bytes, found \(bytes)"
    }

    /// Why a reason must be one line: it stands before the item in the list of refused ones.
    package static func reason(_ text: String) -> String {
        let line = text.unicodeScalars.map { $0.value < 0x20 ? " " : String($0) }.joined()
        return StoreBounds.bounded(error: line)
    }
}

public protocol InboxStore: Sendable {
    /// Whether there is anything to do, cheaply. `lists` are those beside the store's own.
    func lookIntoInbox(_ lists: [String]) async throws(StoreError) -> InboxLook
    /// Moves items out of the lists, one of each in turn, as long as there is room; all that are taken and not settled, in
    /// order. What is too large is refused at once. Throws `fenced` if the lease is not the leader's any more.
    func takeFromInbox(_ lists: [String], lease: Lease) async throws(StoreError) -> [InboxItem]
    /// Each is taken no more, and what became of it can be read. One that is settled already stays as it is, and so does an
    /// accepted one under a name that a refused one repeats. Throws `fenced` as above.
    func settleInbox(_ settlements: [InboxSettlement], lease: Lease) async throws(StoreError)
    /// By its own id, or the one that it named.
    func inboxRecord(_ id: String) async throws(StoreError) -> InboxRecord?
    /// Newest first.
    func refusedInbox(limit: Int) async throws(StoreError) -> [RefusedItem]
}
