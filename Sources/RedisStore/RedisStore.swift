// The store on Redis: the keyspace, the scripts, and nothing else. What has to be atomic is one script; time is Redis'.
//
// Guarantees: every operation ends by a deadline; writes that are said to be `unavailable` were not applied.
// Assumptions: one Redis, one Sentinel service or one cluster is the truth; a failover may lose its last writes, which
// the epoch, the digests and the revisions are made for.

internal import JSON
internal import Manifests
public import Model
public import Redis
public import Store
internal import Synchronization

public final class RedisStore: Sendable {
    /// The form of what is stored. A store of a newer form is refused.
    public static let schemaVersion = 1
    /// How long a bulk read of a whole fleet may take.
    static let bulkDeadline: Duration = .seconds(60)

    let client: RedisClient
    let keys: Keyspace
    /// Connections that wait for work, by server.
    let wakeLines = Mutex<[String: RedisConnection]>([:])
    /// When something last came on them, or they were opened.
    let busyWakes = Mutex<[String: ContinuousClock.Instant]>([:])

    init(client: RedisClient, keys: Keyspace) {
        self.client = client
        self.keys = keys
    }

    /// Connects and checks that what is stored can be understood.
    public static func connect(
        url: String, prefix: String = "ops", on threads: RedisThreads, clientName: String? = nil
    ) async throws(StoreError) -> RedisStore {
        let parsed: RedisURL
        do throws(RedisError) { parsed = try RedisURL(url) } catch { throw .unavailable("\(error)") }
        guard !prefix.isEmpty, !prefix.utf8.contains(where: { $0 == UInt8(ascii: "{") || $0 == UInt8(ascii: "}") })
        else {
            throw .unavailable("the prefix \"\(prefix)\" cannot be used: it must be a text without { and }")
        }
        let client = RedisClient(parsed, on: threads, clientName: clientName)
        let store = RedisStore(client: client, keys: Keyspace(prefix: prefix))
        do throws(StoreError) {
            try await store.checkSchema()
        } catch {
            await client.close()
            throw error
        }
        return store
    }

    /// Ends all connections.
    public func close() async {
        for line in wakeLines.withLock({ Array($0.values) }) { await line.close() }
        await client.close()
    }

    private func checkSchema() async throws(StoreError) {
        let commands = [
            RedisCommand("HSETNX", key: keys.meta, ["schema", .int(Self.schemaVersion)]),
            RedisCommand("HSETNX", key: keys.meta, ["shards", .int(StoreLayout.shards)]),
            RedisCommand("HMGET", key: keys.meta, ["schema", "shards"]),
        ]
        let replies = try await values(of: commands)
        let meta = replies[2].array ?? []
        guard let schema = meta.first?.int, let shards = meta.last?.int else {
            throw .corrupt(key: keys.meta, "expected schema and shards as numbers")
        }
        guard schema <= Self.schemaVersion else {
            throw .unavailable(
                "\(keys.meta) says schema \(schema); this program knows up to \(Self.schemaVersion): use a newer release"
            )
        }
        guard shards == StoreLayout.shards else {
            throw .unavailable("\(keys.meta) says \(shards) shards; this program uses \(StoreLayout.shards)")
        }
    }
}

// MARK: calling Redis

extension RedisStore {
    /// A command that only reads.
    func read(_ command: RedisCommand) async throws(StoreError) -> RedisValue {
        do throws(RedisError) { return try await client.send(command) } catch {
            throw StoreError(error, isWrite: false)
        }
    }

    /// Commands that only read, or that may be repeated; the replies of all.
    func values(of commands: [RedisCommand]) async throws(StoreError) -> [RedisValue] {
        var values: [RedisValue] = []
        values.reserveCapacity(commands.count)
        for result in await results(of: commands) {
            do throws(RedisError) { values.append(try result.get()) } catch { throw StoreError(error, isWrite: false) }
        }
        return values
    }

    /// Commands sent together at most: however many there are, others get their turn in between, and the connection's bound
    /// on what is under way is not met.
    private static let portion = 1024

    /// The reply or the error of each.
    func results(of commands: [RedisCommand]) async -> [Result<RedisValue, RedisError>] {
        var results: [Result<RedisValue, RedisError>] = []
        results.reserveCapacity(commands.count)
        for start in stride(from: 0, to: commands.count, by: Self.portion) {
            let end = min(start + Self.portion, commands.count)
            results += await client.pipeline(Array(commands[start..<end]))
        }
        return results
    }

    func call(
        _ script: RedisScript, keys: [String], _ arguments: [RedisArgument], isWrite: Bool = true
    ) async throws(StoreError) -> RedisValue {
        do throws(RedisError) {
            return try await client.script(script, keys: keys, arguments)
        } catch {
            throw StoreError(error, isWrite: isWrite)
        }
    }

    /// A script on one server's keys.
    @discardableResult
    func call(
        _ script: RedisScript, server: String, _ arguments: [RedisArgument] = [], isWrite: Bool = true
    ) async throws(StoreError) -> RedisValue {
        let own: [RedisArgument] = [
            .string(keys.server(server)), .string(server), .string(keys.hintChannel),
            .int(StoreLayout.shard(of: server)),
        ]
        return try await call(script, keys: keys.serverKeys(server), own + arguments, isWrite: isWrite)
    }

    /// A script on one resource's keys.
    @discardableResult
    func call(
        _ script: RedisScript, resource key: ResourceKey, _ arguments: [RedisArgument]
    ) async throws(StoreError) -> RedisValue {
        let own: [RedisArgument] = [
            .string(keys.hintChannel), .int(key.shard), .string(key.kind.rawValue), .string(key.name),
        ]
        return try await call(script, keys: keys.resourceKeys(key), own + arguments)
    }

    public func now() async throws(StoreError) -> Timestamp {
        let parts = try await read(RedisCommand("TIME")).array ?? []
        guard let seconds = parts.first?.int, let micros = parts.last?.int else {
            throw .unavailable("Redis answered TIME with something else than a time")
        }
        return Timestamp(milliseconds: Int64(seconds) * 1000 + Int64(micros) / 1000)
    }

    public func connectionAge() async -> Duration {
        client.connectedSince(forKey: keys.lease).map { ContinuousClock.now - $0 } ?? .zero
    }
}

extension Lease {
    /// As every script of the controller is given it.
    var arguments: [RedisArgument] { [.int(Int(epoch)), .string(nonce)] }
}

extension Event {
    /// As `add_events` is given it.
    var arguments: [RedisArgument] {
        [
            .int(Int(at.milliseconds)), .string(severity.rawValue), .string(subject), .string(reason), .string(message),
        ]
    }
}
