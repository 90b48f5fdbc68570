// Locks of people's scripts: one hash each, in the shard of its name.

internal import Model
internal import Redis
public import Store

extension RedisStore: LockStore {
    private static let idle = RedisArgument.int(Int(LockBounds.idle.wholeMilliseconds))

    public func acquireLock(
        _ name: String, holder: String, nonce: String, ttl: Duration, unlessBegunWithin: Duration?
    ) async throws(StoreError) -> LockAttempt {
        let span = unlessBegunWithin.map { RedisArgument.int(Int($0.wholeMilliseconds)) }
        let reply =
            try await call(
                Scripts.acquireLock, keys: lockKeys(name),
                [
                    .string(name), .string(holder), .string(nonce), .int(Int(ttl.wholeMilliseconds)), span ?? "",
                    Self.idle,
                    .int(LockBounds.listedPerShard),
                ]
            ).array ?? []
        if reply.count == 2, reply[0].int == 1, let epoch = reply[1].int {
            return .acquired(Lease(holder: holder, nonce: nonce, epoch: Int64(epoch)))
        }
        guard reply.count == 7, let what = reply[0].int, let now = reply[6].int else {
            throw .corrupt(key: keys.lock(name), "expected holder, epoch and times")
        }
        let view = Self.view(name, reply[1...5], now: Timestamp(milliseconds: Int64(now)))
        return what == 2 ? .begunRecently(view) : .held(view)
    }

    public func renewLock(_ name: String, _ lease: Lease, ttl: Duration) async throws(StoreError) {
        _ = try await call(
            Scripts.renewLock, keys: lockKeys(name),
            [
                .string(name), .string(lease.nonce), .int(Int(lease.epoch)), .int(Int(ttl.wholeMilliseconds)),
                Self.idle,
            ])
    }

    public func releaseLock(_ name: String, _ lease: Lease) async throws(StoreError) {
        _ = try await call(
            Scripts.releaseLock, keys: [keys.lock(name)], [.string(lease.nonce), .int(Int(lease.epoch)), Self.idle])
    }

    public func locks() async throws(StoreError) -> [LockView] {
        let indexes = (0..<StoreLayout.shards).map { RedisCommand("ZRANGE", key: keys.locks($0), [0, -1]) }
        let names = try await values(of: indexes).flatMap { $0.array ?? [] }.compactMap(\.string)
        guard !names.isEmpty else { return [] }
        let now = try await now()
        let fields: [RedisArgument] = ["holder", "epoch", "lastBegunAt", "expiresAt", "nonce"]
        let replies = await results(of: names.map { RedisCommand("HMGET", key: keys.lock($0), fields) })
        var views: [LockView] = []
        for (name, reply) in zip(names, replies) {
            // One that is no hash any more hides no other.
            guard let values = try? reply.get().array, values.count == fields.count, !values[0].isNull else { continue }
            views.append(Self.view(name, values[...], now: now))
        }
        return views.sorted { $0.name < $1.name }
    }

    private func lockKeys(_ name: String) -> [String] {
        [keys.lock(name), keys.locks(StoreLayout.shard(of: name))]
    }

    /// From holder, epoch, lastBegunAt, expiresAt and nonce as they are in the hash.
    private static func view(_ name: String, _ values: ArraySlice<RedisValue>, now: Timestamp) -> LockView {
        let values = Array(values)
        let isHeld = values[4].string != nil
        return LockView(
            name: name, holder: values[0].string ?? "", epoch: Int64(values[1].int ?? 0),
            lastBegunAt: time(values[2]), expiresAt: isHeld ? time(values[3]) : nil, now: now)
    }

    private static func time(_ value: RedisValue) -> Timestamp? {
        value.int.map { Timestamp(milliseconds: Int64($0)) }
    }
}
