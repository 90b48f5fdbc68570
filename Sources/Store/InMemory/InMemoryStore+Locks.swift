// Locks of people's scripts.

internal import Model

/// One lock, held or not.
struct LockEntry {
    var holder: String
    /// nil: it was given up.
    var nonce: String?
    var epoch: Int64
    var lastBegunAt: Timestamp
    var expiresAt: Timestamp
    var usedAt: Timestamp

    func view(_ name: String, now: Timestamp) -> LockView {
        LockView(
            name: name, holder: holder, epoch: epoch, lastBegunAt: lastBegunAt,
            expiresAt: nonce == nil ? nil : expiresAt, now: now)
    }
}

extension InMemoryState {
    mutating func acquireLock(
        _ name: String, holder: String, nonce: String, ttl: Duration, unlessBegunWithin span: Duration?, now: Timestamp
    ) -> LockAttempt {
        forgetIdleLocks(now: now)
        if let known = locks[name] {
            let isHeld = known.nonce != nil && now < known.expiresAt
            // The answer to this very call was lost: it is the same lease, counted from now.
            if isHeld, known.nonce == nonce {
                locks[name]?.expiresAt = now + ttl
                return .acquired(Lease(holder: known.holder, nonce: nonce, epoch: known.epoch))
            }
            if let span, now - known.lastBegunAt < span { return .begunRecently(known.view(name, now: now)) }
            if isHeld { return .held(known.view(name, now: now)) }
        }
        let epoch = max((locks[name]?.epoch ?? 0) + 1, now.milliseconds)
        locks[name] = LockEntry(
            holder: holder, nonce: nonce, epoch: epoch, lastBegunAt: now, expiresAt: now + ttl, usedAt: now)
        return .acquired(Lease(holder: holder, nonce: nonce, epoch: epoch))
    }

    mutating func renewLock(_ name: String, _ lease: Lease, ttl: Duration, now: Timestamp) throws(StoreError) {
        guard isLock(name, heldBy: lease) else { throw .fenced(epoch: locks[name]?.epoch ?? 0) }
        locks[name]?.expiresAt = now + ttl
        locks[name]?.usedAt = now
    }

    mutating func releaseLock(_ name: String, _ lease: Lease, now: Timestamp) {
        guard isLock(name, heldBy: lease) else { return }
        locks[name]?.nonce = nil
        locks[name]?.usedAt = now
    }

    private func isLock(_ name: String, heldBy lease: Lease) -> Bool {
        locks[name].map { $0.nonce == lease.nonce && $0.epoch == lease.epoch } ?? false
    }

    mutating func forgetIdleLocks(now: Timestamp) {
        locks = locks.filter { now - $0.value.usedAt < LockBounds.idle }
    }
}

extension InMemoryStore: LockStore {
    public func acquireLock(
        _ name: String, holder: String, nonce: String, ttl: Duration, unlessBegunWithin: Duration?
    ) throws(StoreError) -> LockAttempt {
        try run { state, now in
            state.acquireLock(
                name, holder: holder, nonce: nonce, ttl: ttl, unlessBegunWithin: unlessBegunWithin, now: now)
        }
    }

    public func renewLock(_ name: String, _ lease: Lease, ttl: Duration) throws(StoreError) {
        try run { state, now throws(StoreError) in try state.renewLock(name, lease, ttl: ttl, now: now) }
    }

    public func releaseLock(_ name: String, _ lease: Lease) throws(StoreError) {
        try run { state, now in state.releaseLock(name, lease, now: now) }
    }

    public func locks() throws(StoreError) -> [LockView] {
        try run { state, now in
            state.forgetIdleLocks(now: now)
            return state.locks.sorted { $0.key < $1.key }.map { $0.value.view($0.key, now: now) }
        }
    }
}
