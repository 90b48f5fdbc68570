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

    public func writeScheduleStates(_ states: [String: ScheduleState], lease: Lease) async throws(StoreError) {
        let shards = Dictionary(grouping: states.sorted { $0.key < $1.key }) { StoreLayout.shard(of: $0.key) }
        let calls = shards.map { shard, states in
            RedisScriptCall(
                Scripts.writeSchedules,
                keys: [keys.fence(shard), keys.refused(shard)] + states.map { keys.schedule($0.key) },
                lease.arguments + states.map { .string($0.value.wireText) })
        }
        for result in await client.scripts(calls) {
            do throws(RedisError) { _ = try result.get() } catch { throw StoreError(error, isWrite: true) }
        }
    }

    /// A server that was not heard of for three of its intervals has no values.
    public func measurements(
        _ metric: String, of servers: [String], collectors: [String: String]
    ) async throws(StoreError) -> Measured {
        guard !servers.isEmpty else { return Measured(values: []) }
        let (collected, unread) = try await collected(metric, collectors)
        let own = servers.filter { collectors[$0] == nil }
        let now = try await now()
        var commands: [RedisCommand] = []
        for server in own {
            let shard = StoreLayout.shard(of: server)
            commands.append(RedisCommand("HGET", key: keys.observed(server: server), [.string(metric)]))
            commands.append(RedisCommand("ZSCORE", key: keys.heartbeats(shard), [.string(server)]))
            commands.append(RedisCommand("GET", key: keys.interval(server)))
        }
        let replies = try await values(of: commands)
        var measured = collected
        for (index, server) in own.enumerated() {
            let interval = replies[3 * index + 2].int.map { Duration.milliseconds($0) } ?? MonitorSpec().every
            guard let beat = replies[3 * index + 1].string.flatMap({ Double($0) }),
                now - Timestamp(milliseconds: Int64(beat)) <= ObservedServer.silence(every: interval)
            else { continue }
            measured[server] = replies[3 * index].string.flatMap { Double($0) }
        }
        return Measured(values: servers.map { measured[$0] }, unread: unread)
    }

    /// What other collectors wrote, by server, and what may not be read: that keeps no other server from being watched.
    private func collected(
        _ metric: String, _ collectors: [String: String]
    ) async throws(StoreError) -> (measured: [String: Double], unread: String?) {
        var measured: [String: Double] = [:]
        var unread: String?
        let sources = collectors.sorted { $0.key < $1.key }
        let results = await results(of: sources.map { RedisCommand("HGET", key: $0.value, [.string(metric)]) })
        for ((server, hash), result) in zip(sources, results) {
            do throws(RedisError) { measured[server] = try result.get().string.flatMap { Double($0) } } catch {
                guard case .reply(let code, let message) = error, code == "NOPERM" || code == "WRONGTYPE" else {
                    throw StoreError(error, isWrite: false)
                }
                unread = unread ?? "\(hash): expected the hash of another collector, for \(server): \(message)"
            }
        }
        return (measured, unread)
    }
}
