// Leadership: a lock with an epoch, a nonce that tells two holders of one epoch apart, and a fence on every shard.

public import Model

/// One term of leadership. Every write for the controller carries it.
public struct Lease: Sendable, Hashable {
    public var holder: String
    public var nonce: String
    public var epoch: Int64

    public init(holder: String, nonce: String, epoch: Int64) {
        self.holder = holder
        self.nonce = nonce
        self.epoch = epoch
    }
}

/// What anybody can read of the lock.
public struct LeaseView: Sendable, Hashable {
    public var lease: Lease
    public var acquiredAt: Timestamp
    public var expiresAt: Timestamp
    /// The store's clock when this was read.
    public var now: Timestamp

    public init(lease: Lease, acquiredAt: Timestamp, expiresAt: Timestamp, now: Timestamp) {
        self.lease = lease
        self.acquiredAt = acquiredAt
        self.expiresAt = expiresAt
        self.now = now
    }

    public var isHeld: Bool { now < expiresAt }
}

public enum LeaseAttempt: Sendable, Hashable {
    case acquired(Lease)
    /// `epoch` 0 and an empty holder where it is not known.
    case held(LeaseView)
}

/// A leader's open line: as long as it stands, nobody takes over before the lease ends.
public protocol PresenceSession: Sendable {
    /// Returns when the line is gone, for whatever reason.
    func waitUntilLost() async
    func close() async
}

public protocol LeaseStore: Sendable {
    /// Takes the lock if it is free, expired, or, where `mayPreempt`, its holder's presence line is gone.
    /// Epoch = max(last + 1, store clock in ms).
    func acquireLease(holder: String, nonce: String, ttl: Duration, mayPreempt: Bool) async throws(StoreError)
        -> LeaseAttempt
    /// Extends the lock if holder, nonce and epoch are still these; throws `fenced` otherwise.
    func renewLease(_ lease: Lease, ttl: Duration) async throws(StoreError)
    /// Gives the lock up at once, so that a standby acquires at its next try, and tells standbys.
    func releaseLease(_ lease: Lease) async throws(StoreError)
    /// Opens the presence line of a nonce; to be open before `acquireLease` is called with it.
    func openPresence(nonce: String) async throws(StoreError) -> any PresenceSession
    /// Raises the fence of every shard to this lease. Throws `fenced` if any shard has a newer one.
    func seal(_ lease: Lease) async throws(StoreError)
    func leader() async throws(StoreError) -> LeaseView?
    /// How many writes all shards refused because of the fence, since the store began.
    func refusedWrites() async throws(StoreError) -> Int
    /// How long the caller's own connection has stood; a standby preempts only when this is over a second.
    func connectionAge() async -> Duration
}
