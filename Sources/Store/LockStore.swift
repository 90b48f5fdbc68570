// Locks for people's own scripts (`opsapply lock`): a lease with an epoch for each name, and the memory of when it was last
// begun, which outlives the lease.
//
// Guarantees: never two holders of one name at a time by the store's clock; each holder's epoch is above all before it.
// Caveat: a holder that was paused past its lease does not know it. Whoever can compare epochs has to.

public import Model

/// What anybody can read of one lock.
public struct LockView: Sendable, Hashable {
    public var name: String
    /// Who has it, or had it last.
    public var holder: String
    public var epoch: Int64
    /// When it was last taken; nil where somebody's hand has damaged that.
    public var lastBegunAt: Timestamp?
    /// nil: it was given up.
    public var expiresAt: Timestamp?
    /// The store's clock when this was read.
    public var now: Timestamp

    public init(
        name: String, holder: String, epoch: Int64, lastBegunAt: Timestamp?, expiresAt: Timestamp?, now: Timestamp
    ) {
        self.name = name
        self.holder = holder
        self.epoch = epoch
        self.lastBegunAt = lastBegunAt
        self.expiresAt = expiresAt
        self.now = now
    }

    public var isHeld: Bool { expiresAt.map { now < $0 } ?? false }
}

public enum LockAttempt: Sendable, Hashable {
    case acquired(Lease)
    case held(LockView)
    /// It was begun less than the asked time ago, whether or not that is over.
    case begunRecently(LockView)
}

public enum LockBounds {
    /// A lock that nobody used for so long is forgotten, and with it when it was last begun.
    public static let idle: Duration = .seconds(30 * 86_400)
    /// Locks of one shard that a listing shows: those used last.
    public static let listedPerShard = 1000
    public static let ttl: ClosedRange<Duration> = .seconds(1) ... .seconds(3600)
    public static let longestHolder = 128

    /// Letters, digits, `.`, `_` and `-`: a name becomes part of a key.
    public static func isValid(name: String) -> Bool { RunBounds.isValid(id: name) }
}

public protocol LockStore: Sendable {
    /// Takes the lock if it is free or its lease is over, and remembers that time as the last begin. With `unlessBegunWithin`
    /// only if its last begin is longer ago than that. The same nonce again, while its lease lasts, is the same lease anew.
    func acquireLock(
        _ name: String, holder: String, nonce: String, ttl: Duration, unlessBegunWithin: Duration?
    ) async throws(StoreError) -> LockAttempt
    /// Extends the lease if the lock still is the caller's; throws `fenced` otherwise.
    func renewLock(_ name: String, _ lease: Lease, ttl: Duration) async throws(StoreError)
    /// Gives the lock up; nothing if it is not the caller's. Its epoch and its last begin stay.
    func releaseLock(_ name: String, _ lease: Lease) async throws(StoreError)
    /// Those held, and those used in the last 30 days, by name.
    func locks() async throws(StoreError) -> [LockView]
}
