// The lock, the presence line and the fence.

internal import Model
internal import Redis
public import Store

extension RedisStore: LeaseStore {
    /// On a cluster PUBLISH counts only the subscribers of one node; SPUBLISH counts those of the shard.
    private var usesShardedChannels: Bool { if case .cluster = client.url.target { true } else { false } }

    public func acquireLease(
        holder: String, nonce: String, ttl: Duration, mayPreempt: Bool
    ) async throws(StoreError) -> LeaseAttempt {
        let arguments: [RedisArgument] = [
            .string(holder), .string(nonce), .int(Int(ttl.wholeMilliseconds)), mayPreempt ? "1" : "0",
            usesShardedChannels ? "SPUBLISH" : "PUBLISH", .string(keys.presenceChannels),
        ]
        let reply = try await call(Scripts.acquireLease, keys: [keys.lease], arguments).array ?? []
        if reply.count == 2, reply[0].int == 1, let epoch = reply[1].int {
            return .acquired(Lease(holder: holder, nonce: nonce, epoch: Int64(epoch)))
        }
        guard reply.count == 7, let epoch = reply[3].int, let acquired = reply[4].int, let expires = reply[5].int,
            let now = reply[6].int
        else { throw .corrupt(key: keys.lease, "expected holder, nonce, epoch and times") }
        return .held(
            LeaseView(
                lease: Lease(holder: reply[1].string ?? "", nonce: reply[2].string ?? "", epoch: Int64(epoch)),
                acquiredAt: Timestamp(milliseconds: Int64(acquired)),
                expiresAt: Timestamp(milliseconds: Int64(expires)),
                now: Timestamp(milliseconds: Int64(now))))
    }

    public func renewLease(_ lease: Lease, ttl: Duration) async throws(StoreError) {
        _ = try await call(
            Scripts.renewLease, keys: [keys.lease],
            [.string(lease.holder), .string(lease.nonce), .int(Int(lease.epoch)), .int(Int(ttl.wholeMilliseconds))])
    }

    public func releaseLease(_ lease: Lease) async throws(StoreError) {
        _ = try await call(
            Scripts.releaseLease, keys: [keys.lease],
            [.string(lease.holder), .string(lease.nonce), .int(Int(lease.epoch))])
    }

    public func openPresence(nonce: String) async throws(StoreError) -> any PresenceSession {
        do throws(RedisError) {
            return RedisPresence(
                try await client.subscribe(to: keys.presenceChannels + nonce, sharded: usesShardedChannels))
        } catch {
            throw StoreError(error, isWrite: false)
        }
    }

    public func seal(_ lease: Lease) async throws(StoreError) {
        let calls = (0..<StoreLayout.shards).map {
            RedisScriptCall(Scripts.seal, keys: [keys.fence($0)], lease.arguments)
        }
        for result in await client.scripts(calls) {
            do throws(RedisError) { _ = try result.get() } catch { throw StoreError(error, isWrite: true) }
        }
    }

    public func leader() async throws(StoreError) -> LeaseView? {
        let fields = ["holder", "nonce", "epoch", "acquiredAt", "expiresAt"].map { RedisArgument.string($0) }
        let held = try await read(RedisCommand("HMGET", key: keys.lease, fields)).array ?? []
        guard held.count == 5, let holder = held[0].string, let nonce = held[1].string else { return nil }
        guard let epoch = held[2].int, let acquired = held[3].int, let expires = held[4].int else {
            throw .corrupt(key: keys.lease, "expected epoch, acquiredAt and expiresAt as numbers")
        }
        return LeaseView(
            lease: Lease(holder: holder, nonce: nonce, epoch: Int64(epoch)),
            acquiredAt: Timestamp(milliseconds: Int64(acquired)), expiresAt: Timestamp(milliseconds: Int64(expires)),
            now: try await now())
    }

    public func refusedWrites() async throws(StoreError) -> Int {
        let commands = (0..<StoreLayout.shards).map { RedisCommand("GET", key: keys.refused($0)) }
        return try await values(of: commands).reduce(0) { $0 + ($1.int ?? 0) }
    }
}

/// A subscription to the channel of one's nonce. It is asked now and then whether it still stands, so that a line that
/// died in silence is noticed, too.
private final class RedisPresence: PresenceSession {
    private static let pingInterval: Duration = .seconds(1)
    private static let pingDeadline: Duration = .milliseconds(1500)
    private let subscription: RedisSubscription

    init(_ subscription: RedisSubscription) { self.subscription = subscription }

    func waitUntilLost() async {
        await subscription.untilLost(pingEvery: Self.pingInterval, deadline: Self.pingDeadline) { _ in }
    }

    func close() async { await subscription.close() }
}

extension RedisSubscription {
    /// Hands over messages until the subscription ends, for whatever reason, or the task is cancelled.
    func untilLost(
        pingEvery interval: Duration, deadline: Duration, _ handle: @escaping @Sendable (RedisMessage) -> Void
    ) async {
        await withTaskGroup(of: Void.self) { group in
            group.addTask {
                do { for try await message in self { handle(message) } } catch { return }
            }
            group.addTask {
                do {
                    while true {
                        try await Task.sleep(for: interval)
                        try await self.ping(deadline: deadline)
                    }
                } catch { return }
            }
            await group.next()
            group.cancelAll()
        }
    }
}
