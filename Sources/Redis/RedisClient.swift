// What programs talk to: Redis behind an address, whatever is there. It connects when first asked, follows its servers
// when they change places, and reconnects when asked again after a loss.
//
// Guarantees: a command that certainly was not carried out is sent again by itself, a bounded number of times; one that
// may have been is not: the error says so (`isIndeterminate`), and the caller decides. Every call ends by its deadline,
// counted anew for each time it is sent on.

public final class RedisClient: Sendable {
    public let url: RedisURL
    let topology: any Topology

    /// A client of one address; nothing is connected yet. `clientName` is what `CLIENT LIST` shows.
    public init(_ url: RedisURL, on threads: RedisThreads, clientName: String? = nil) {
        self.url = url
        var login = url.login
        login.clientName = clientName
        self.topology =
            switch url.target {
            case .single(let endpoint):
                SingleServer { [login] () async throws(RedisError) in
                    try await RedisConnection.connect(to: endpoint, as: login, on: threads)
                }
            case .sentinel(let hosts, let service):
                SentinelPrimary(sentinels: hosts, service: service, login: login, on: threads)
            case .cluster(let hosts): ClusterNodes(seeds: hosts, login: login, on: threads)
            }
    }

    /// Closes all connections.
    public func close() async { await topology.close() }

    /// Connects, if it is not yet connected: for a clear error at the start of a program.
    public func connect() async throws(RedisError) { _ = try await topology.connection(for: nil) }

    /// Since when the connection that a key's commands take has been open; `nil` if it is not.
    public func connectedSince(forKey key: String? = nil) -> ContinuousClock.Instant? {
        topology.current(for: key)?.connectedSince
    }

    /// A connection of its own to where a key lives, for commands that block. It does not follow changes of place.
    public func dedicatedConnection(forKey key: String? = nil) async throws(RedisError) -> RedisConnection {
        try await topology.dedicated(for: key)
    }

    /// Subscribes on a connection of its own. `sharded` is SSUBSCRIBE: within the shard that owns the channel's name.
    public func subscribe(to channel: String, sharded: Bool) async throws(RedisError) -> RedisSubscription {
        let connection = try await topology.dedicated(for: channel)
        do throws(RedisError) {
            return try await RedisSubscription.open(channel, sharded: sharded, on: connection)
        } catch {
            connection.closeSoon()
            throw error
        }
    }

    // MARK: Commands

    /// Sends a command to where its key lives and returns its reply; an error reply is thrown.
    public func send(
        _ command: RedisCommand, deadline: Duration = RedisConnection.commandDeadline
    ) async throws(RedisError) -> RedisValue {
        var asked: RedisConnection?
        var last = RedisError.closed(.notSent)
        for attempt in 0..<Attempts.maximum {
            let connection: RedisConnection
            if let asked { connection = asked } else { connection = try await topology.connection(for: command.key) }
            do throws(RedisError) {
                guard asked != nil else { return try await connection.send(command, deadline: deadline) }
                return try await connection.pipeline([RedisCommand("ASKING"), command], deadline: deadline)[1].get()
            } catch {
                last = error
                switch await topology.remedy(for: error, from: connection, attempt: attempt) {
                case .none: throw error
                case .retry: asked = nil
                case .ask(let other): asked = other
                }
            }
        }
        throw last
    }

    /// Sends commands together, each to where its key lives, and returns the reply or the error of each, in their order.
    public func pipeline(
        _ commands: [RedisCommand], deadline: Duration = RedisConnection.commandDeadline
    ) async -> [Result<RedisValue, RedisError>] {
        var results = [Result<RedisValue, RedisError>](repeating: .failure(.closed(.notSent)), count: commands.count)
        for (connection, indices) in await connections(for: commands.map(\.key), failures: &results) {
            let replies = await connection.pipeline(indices.map { commands[$0] }, deadline: deadline)
            for (index, reply) in zip(indices, replies) { results[index] = reply }
        }
        for (index, result) in results.enumerated() {
            guard case .failure(let error) = result, error.isForAnotherServer else { continue }
            do throws(RedisError) {
                results[index] = .success(try await send(commands[index], deadline: deadline))
            } catch {
                results[index] = .failure(error)
            }
        }
        return results
    }

    /// The connections that keys' commands take, each with the indices of its keys.
    func connections(
        for keys: [String?], failures: inout [Result<RedisValue, RedisError>]
    ) async -> [(RedisConnection, [Int])] {
        var groups: [ObjectIdentifier: (RedisConnection, [Int])] = [:]
        for (index, key) in keys.enumerated() {
            do throws(RedisError) {
                let connection = try await topology.connection(for: key)
                groups[ObjectIdentifier(connection), default: (connection, [])].1.append(index)
            } catch {
                failures[index] = .failure(error)
            }
        }
        return Array(groups.values)
    }
}

extension RedisError {
    /// Whether it certainly was not carried out, and sending it again by itself finds the right place.
    var isForAnotherServer: Bool {
        switch self {
        case .closed(.notSent): true
        case .reply(let code, _): ["MOVED", "ASK", "TRYAGAIN", "CLUSTERDOWN", "READONLY"].contains(code)
        default: false
        }
    }

    /// Whether nothing was carried out and a later try may succeed without anything being changed.
    public var isUnavailable: Bool {
        switch self {
        case .connectionRefused, .closed(.notSent), .overloaded, .noPrimary: true
        case .reply(let code, _):
            ["LOADING", "BUSY", "MASTERDOWN", "CLUSTERDOWN", "TRYAGAIN", "READONLY", "MOVED", "ASK"].contains(code)
        default: false
        }
    }
}
