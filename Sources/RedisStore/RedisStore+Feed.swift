// Reading the feed. A cursor names the last entry that was read, and reading starts with that very entry: if it is no
// longer there, the stream was trimmed past it, emptied, or restored from another history, and what came after it may be
// lost. A cursor at the start of a stream has no such entry; there, a stream shorter than its bound was never trimmed.

public import Model
internal import Redis
public import Store

extension RedisStore: FeedStore {
    private static let start = "0-0"
    private static let pingInterval: Duration = .seconds(5)

    public func feedEnd() async throws(StoreError) -> FeedCursor {
        let ends = try await values(
            of: (0..<StoreLayout.shards).map {
                RedisCommand("XREVRANGE", key: keys.changes($0), ["+", "-", "COUNT", "1"])
            })
        return FeedCursor(positions: ends.map { $0.streamEntries.first?.id ?? Self.start })
    }

    public func changes(
        after cursor: FeedCursor, shards: [Int]?, limit: Int
    ) async throws(StoreError) -> FeedBatch {
        let numbers = shards ?? Array(0..<StoreLayout.shards)
        let streams = try await values(
            of: numbers.map { number in
                RedisCommand(
                    "XRANGE", key: keys.changes(number),
                    [.string(cursor.positions[number]), "+", "COUNT", .int(max(1, limit) + 1)])
            })
        var next = cursor
        var changes: [Change] = []
        var fromStart: [Int] = []
        for (number, stream) in zip(numbers, streams) {
            var entries = stream.streamEntries[...]
            let position = cursor.positions[number]
            if position == Self.start {
                if !entries.isEmpty { fromStart.append(number) }
                entries = entries.prefix(max(1, limit))
            } else {
                guard entries.popFirst()?.id == position else { return try await gap(number, position) }
            }
            for entry in entries {
                guard let change = Self.change(entry) else { return try await gap(number, entry) }
                changes.append(change)
            }
            if let last = entries.last { next.positions[number] = last.id }
        }
        for (number, length) in zip(fromStart, try await lengths(fromStart)) where length >= StoreBounds.feedEntries {
            return try await gap(number, Self.start)
        }
        return .changes(changes, next)
    }

    private func lengths(_ shards: [Int]) async throws(StoreError) -> [Int] {
        guard !shards.isEmpty else { return [] }
        return try await values(of: shards.map { RedisCommand("XLEN", key: keys.changes($0)) }).map { $0.int ?? 0 }
    }

    private func gap(_ shard: Int, _ position: String) async throws(StoreError) -> FeedBatch {
        .gap(try await feedEnd(), why: "entries of shard \(shard) after \(position) are not there any more")
    }

    /// Somebody else wrote it, and nobody knows what it should say: everything is looked at.
    private func gap(_ shard: Int, _ entry: StreamEntry) async throws(StoreError) -> FeedBatch {
        .gap(try await feedEnd(), why: "entry \(entry.id) of shard \(shard) is no change")
    }

    private static func change(_ entry: StreamEntry) -> Change? {
        guard let word = entry.fields["kind"], let name = entry.fields["name"], let what = entry.fields["what"] else {
            return nil
        }
        return subject(word, name).map { Change(subject: $0, what: what) }
    }

    private static func subject(_ word: String, _ name: String) -> Change.Subject? {
        switch word {
        case "instance":
            let parts = name.split(separator: "@", maxSplits: 1)
            return .instance(
                parts.count == 2
                    ? InstanceID(app: String(parts[0]), server: String(parts[1])) : InstanceID(app: nil, server: name))
        case "server": return .server(name)
        default: return Kind(rawValue: word).map { .resource(ResourceKey($0, name)) }
        }
    }

    public func hints() async throws(StoreError) -> AsyncStream<Int> {
        let subscription: RedisSubscription
        do throws(RedisError) {
            subscription = try await client.subscribe(to: keys.hintChannel, sharded: false)
        } catch {
            throw StoreError(error, isWrite: false)
        }
        let (stream, continuation) = AsyncStream<Int>.makeStream(
            bufferingPolicy: .bufferingNewest(StoreBounds.waitingHints))
        // It lives as long as somebody reads the stream, which no scope of this call does.
        let reading = Task {
            await subscription.untilLost(pingEvery: Self.pingInterval, deadline: RedisConnection.commandDeadline) {
                if let shard = Int($0.text), (0..<StoreLayout.shards).contains(shard) { continuation.yield(shard) }
            }
            continuation.finish()
            await subscription.close()
        }
        continuation.onTermination = { _ in reading.cancel() }
        return stream
    }

    public func silentServers(before: Timestamp) async throws(StoreError) -> [String: Timestamp] {
        let commands = (0..<StoreLayout.shards).map {
            RedisCommand(
                "ZRANGEBYSCORE", key: keys.heartbeats($0), ["-inf", .string("(\(before.milliseconds)"), "WITHSCORES"])
        }
        var silent: [String: Timestamp] = [:]
        for reply in try await values(of: commands) {
            for (name, score) in reply.fields ?? [:] {
                silent[name] = Timestamp(score: score)
            }
        }
        return silent
    }

    public func observedServer(_ name: String) async throws(StoreError) -> ObservedServer? {
        try await observedServers([name]).first
    }

    public func observedServers(_ names: [String]) async throws(StoreError) -> [ObservedServer] {
        let commands = names.flatMap { name in
            [
                RedisCommand("HGETALL", key: keys.observed(server: name)),
                RedisCommand("ZSCORE", key: keys.heartbeats(StoreLayout.shard(of: name)), [.string(name)]),
            ]
        }
        let replies = try await values(of: commands)
        var servers: [ObservedServer] = []
        for (index, name) in names.enumerated() {
            var fields = replies[2 * index].fields ?? [:]
            let reportedAt = replies[2 * index + 1].string.flatMap { Timestamp(score: $0) }
            if fields.isEmpty, reportedAt == nil { continue }
            let revision = fields.removeValue(forKey: "revision").flatMap { Int($0) } ?? 0
            servers.append(ObservedServer(name: name, revision: revision, reportedAt: reportedAt, values: fields))
        }
        return servers
    }

    /// The key as the collector names it, without the prefix.
    public func collectorHash(_ name: String) async throws(StoreError) -> [String: String] {
        try await read(RedisCommand("HGETALL", key: name)).fields ?? [:]
    }
}

extension Timestamp {
    /// A score of a sorted set; nil for what somebody's hand may have put there: infinite, or out of range.
    fileprivate init?(score: String) {
        guard let milliseconds = Double(score).flatMap({ Int64(exactly: $0.rounded()) }) else { return nil }
        self.init(milliseconds: milliseconds)
    }
}
