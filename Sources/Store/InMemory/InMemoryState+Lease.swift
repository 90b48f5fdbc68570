// The lock and the fence.

internal import Model

extension InMemoryState {
    mutating func acquire(
        holder: String, nonce: String, ttl: Duration, mayPreempt: Bool, now: Timestamp
    ) -> LeaseAttempt {
        if let held = lease, now < held.expiresAt {
            // The answer to this very call was lost: it is the same term, counted from now.
            if held.lease.nonce == nonce {
                lease?.expiresAt = now + ttl
                return .acquired(held.lease)
            }
            if !mayPreempt || presences.contains(held.lease.nonce) { return .held(view(of: held, now: now)) }
        }
        lastEpoch = max(lastEpoch + 1, now.milliseconds)
        let taken = Lease(holder: holder, nonce: nonce, epoch: lastEpoch)
        lease = HeldLease(lease: taken, acquiredAt: now, expiresAt: now + ttl)
        return .acquired(taken)
    }

    mutating func renew(_ lease: Lease, ttl: Duration, now: Timestamp) throws(StoreError) {
        guard self.lease?.lease == lease else { throw .fenced(epoch: lastEpoch) }
        self.lease?.expiresAt = now + ttl
    }

    /// Only its holder gives it up; for anybody else nothing happens.
    mutating func release(_ lease: Lease) {
        if self.lease?.lease == lease { self.lease = nil }
    }

    func leader(now: Timestamp) -> LeaseView? { lease.map { view(of: $0, now: now) } }

    private func view(of held: HeldLease, now: Timestamp) -> LeaseView {
        LeaseView(lease: held.lease, acquiredAt: held.acquiredAt, expiresAt: held.expiresAt, now: now)
    }

    mutating func seal(_ lease: Lease) throws(StoreError) {
        for shard in shards.indices {
            if let fence = shards[shard].fence,
                fence.epoch > lease.epoch || (fence.epoch == lease.epoch && fence.nonce != lease.nonce)
            {
                throw .fenced(epoch: fence.epoch)
            }
            shards[shard].fence = Shard.Fence(epoch: lease.epoch, nonce: lease.nonce)
        }
    }
}
