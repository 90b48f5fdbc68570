internal import Manifests
public import Model
internal import Redis
public import Store

extension RedisStore: ScheduleStore {
    public func scheduleState(_ name: String) async throws(StoreError) -> ScheduleState? {
        let key = keys.schedule(name)
        guard let text = try await read(RedisCommand("HGET", key: key, ["state"])).string else { return nil }
        return try decode(text, in: key)
    }

    public func writeScheduleState(
        _ state: ScheduleState, of name: String, lease: Lease
    ) async throws(StoreError) {
        let shard = StoreLayout.shard(of: name)
        let keys = [keys.fence(shard), keys.refused(shard), keys.schedule(name)]
        _ = try await call(Scripts.writeSchedule, keys: keys, lease.arguments + [.string(state.wireText)])
    }

    /// A server that was not heard of for three of its intervals has no values.
    public func measurements(_ metric: String, of servers: [String]) async throws(StoreError) -> [Double?] {
        guard !servers.isEmpty else { return [] }
        let now = try await now()
        var commands: [RedisCommand] = []
        for server in servers {
            let shard = StoreLayout.shard(of: server)
            commands.append(RedisCommand("HGET", key: keys.observed(server: server), [.string(metric)]))
            commands.append(RedisCommand("ZSCORE", key: keys.heartbeats(shard), [.string(server)]))
            commands.append(RedisCommand("GET", key: keys.interval(server)))
        }
        let replies = try await values(of: commands)
        return servers.indices.map { index in
            let interval = replies[3 * index + 2].int.map { Duration.milliseconds($0) } ?? MonitorSpec().every
            guard let beat = replies[3 * index + 1].string.flatMap({ Double($0) }),
                now - Timestamp(milliseconds: Int64(beat)) <= ObservedServer.silence(every: interval)
            else { return nil }
            return replies[3 * index].string.flatMap { Double($0) }
        }
    }
}
