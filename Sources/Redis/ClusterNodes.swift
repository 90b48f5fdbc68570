// A Redis Cluster: a map from slots to servers, and a link to each. The map is read with CLUSTER SLOTS, corrected slot by
// slot when a server says MOVED, and read anew when a server that it names cannot be reached, is silent, or ended a line: one
// that hangs still takes connections when another has taken its place.

internal import Synchronization

final class ClusterNodes: Topology {
    private struct Map {
        /// The server of each slot; empty before the first reading.
        var servers: [RedisEndpoint?] = []
        var links: [RedisEndpoint: NodeLink] = [:]
    }

    /// How long one server may take to say what lives where.
    private static let deadline: Duration = .seconds(1)

    private let seeds: [RedisEndpoint]
    private let login: RedisLogin
    private let threads: RedisThreads
    private let map = Mutex(Map())

    init(seeds: [RedisEndpoint], login: RedisLogin, on threads: RedisThreads) {
        self.seeds = seeds
        self.login = login
        self.threads = threads
    }

    func connection(for key: String?) async throws(RedisError) -> RedisConnection {
        var endpoint = try await server(for: key)
        if link(to: endpoint).hasEnded {
            try? await readMap(doubting: endpoint)
            endpoint = try await server(for: key)
        }
        do throws(RedisError) {
            return try await link(to: endpoint).connection()
        } catch {
            // The server may have been replaced: the others know by whom. If they still name it, the error stands.
            if case .authentication = error { throw error }
            try await readMap(doubting: endpoint)
            let successor = try await server(for: key)
            guard successor != endpoint else { throw error }
            return try await link(to: successor).connection()
        }
    }

    func current(for key: String?) -> RedisConnection? {
        guard let endpoint = known(for: key) else { return nil }
        return link(to: endpoint).current
    }

    func dedicated(for key: String?) async throws(RedisError) -> RedisConnection {
        let endpoint = try await connection(for: key).endpoint
        do throws(RedisError) {
            return try await line(to: endpoint, for: key)
        } catch {
            switch error {
            case .timeout, .connectionRefused: try await readMap(doubting: endpoint)
            case .reply("MOVED", _): _ = await remedy(for: error, from: try await connection(for: key), attempt: 0)
            default: throw error
            }
            let successor = try await connection(for: key).endpoint
            guard successor != endpoint else { throw error }
            return try await connect(to: successor)
        }
    }

    /// Nobody follows a change of place on it, so the server is asked whether the key lives there, and is heard.
    private func line(to endpoint: RedisEndpoint, for key: String?) async throws(RedisError) -> RedisConnection {
        let line = try await connect(to: endpoint)
        guard let key else { return line }
        do throws(RedisError) {
            _ = try await line.send(RedisCommand("EXISTS", key: key), deadline: Self.deadline)
        } catch {
            if case .reply(let code, _) = error, code != "MOVED" { return line }
            line.closeSoon()
            throw error
        }
        return line
    }

    private func connect(to endpoint: RedisEndpoint) async throws(RedisError) -> RedisConnection {
        try await RedisConnection.connect(to: endpoint, as: login, on: threads, deadline: Self.deadline)
    }

    func close() async {
        for link in map.withLock({ $0.links.values.map { $0 } }) { await link.close() }
    }

    func remedy(for error: RedisError, from connection: RedisConnection, attempt: Int) async -> Remedy {
        switch error {
        case .closed(.notSent): return .retry
        case .reply("MOVED", let message):
            guard let (slot, endpoint) = Self.redirect(message, from: connection.endpoint) else { return .none }
            map.withLock { if $0.servers.indices.contains(slot) { $0.servers[slot] = endpoint } }
            return .retry
        case .reply("ASK", let message):
            guard let (_, endpoint) = Self.redirect(message, from: connection.endpoint),
                let other = try? await link(to: endpoint).connection()
            else { return .none }
            return .ask(other)
        case .reply("TRYAGAIN", _):
            await Attempts.pause(attempt)
            return .retry
        case .reply("CLUSTERDOWN", _), .reply("READONLY", _):
            await Attempts.pause(attempt)
            try? await readMap(trusting: connection.endpoint)
            return .retry
        default: return .none
        }
    }

    // MARK: The map

    private func known(for key: String?) -> RedisEndpoint? {
        map.withLock { map in
            guard let key else { return map.servers.lazy.compactMap { $0 }.first }
            return map.servers.isEmpty ? nil : map.servers[RedisSlot.of(key)]
        }
    }

    private func server(for key: String?) async throws(RedisError) -> RedisEndpoint {
        if let endpoint = known(for: key) { return endpoint }
        try await readMap()
        guard let endpoint = known(for: key) else {
            throw .noPrimary("no server of the cluster owns slot \(key.map { RedisSlot.of($0) } ?? 0)")
        }
        return endpoint
    }

    private func link(to endpoint: RedisEndpoint) -> NodeLink {
        map.withLock { map in
            if let link = map.links[endpoint] { return link }
            let (login, threads) = (login, threads)
            let link = NodeLink { () async throws(RedisError) in
                try await RedisConnection.connect(to: endpoint, as: login, on: threads, deadline: Self.deadline)
            }
            map.links[endpoint] = link
            return link
        }
    }

    /// Asks the servers until one gives the map: first the one that answered just now, then those that are connected, and last
    /// the one in doubt. One that has nothing any more is left: whoever waits for its answer waits in vain.
    private func readMap(
        trusting alive: RedisEndpoint? = nil, doubting doubtful: RedisEndpoint? = nil
    ) async throws(RedisError) {
        let known = map.withLock { map in
            let ranks = map.links.map { endpoint, link in
                (endpoint, endpoint == alive ? 0 : endpoint == doubtful ? 3 : link.current == nil ? 2 : 1)
            }
            return ranks.sorted { $0.1 < $1.1 }.map(\.0)
        }
        var last = RedisError.noPrimary("no server of the cluster is known")
        for endpoint in known + seeds.filter({ !known.contains($0) }) {
            do throws(RedisError) {
                let reply = try await link(to: endpoint).connection().send(
                    RedisCommand("CLUSTER", ["SLOTS"]), deadline: Self.deadline)
                guard let servers = Self.servers(reply, from: endpoint) else {
                    throw .protocolViolation("CLUSTER SLOTS of \(endpoint) gave no map")
                }
                let left = map.withLock { map in
                    map.servers = servers
                    let owners = Set(servers)
                    return map.links.filter { !owners.contains($0.key) }.values
                }
                for link in left { if let connection = link.current { link.discard(connection) } }
                return
            } catch {
                last = error
            }
        }
        throw last
    }

    /// The map in a reply of CLUSTER SLOTS: ranges, each with its primary first.
    private static func servers(_ reply: RedisValue, from asked: RedisEndpoint) -> [RedisEndpoint?]? {
        guard let ranges = reply.array else { return nil }
        var servers = [RedisEndpoint?](repeating: nil, count: RedisSlot.count)
        for range in ranges {
            guard let parts = range.array, parts.count >= 3, let first = parts[0].int, let last = parts[1].int,
                servers.indices.contains(first), servers.indices.contains(last), first <= last,
                let node = parts[2].array, node.count >= 2, let port = node[1].int
            else { return nil }
            let endpoint = self.endpoint(host: node[0].string, port: port, from: asked)
            for slot in first...last { servers[slot] = endpoint }
        }
        return servers
    }

    /// `MOVED 3999 127.0.0.1:6381`
    private static func redirect(_ message: String, from asked: RedisEndpoint) -> (Int, RedisEndpoint)? {
        let words = message.split(separator: " ")
        guard words.count >= 3, let slot = Int(words[1]), let colon = words[2].lastIndex(of: ":"),
            let port = Int(words[2][words[2].index(after: colon)...])
        else { return nil }
        return (slot, endpoint(host: String(words[2][..<colon]), port: port, from: asked))
    }

    /// A server that does not know its own address leaves it out, and means the one it was reached by.
    private static func endpoint(host: String?, port: Int, from asked: RedisEndpoint) -> RedisEndpoint {
        if let host, !host.isEmpty, host != "?" { return .tcp(host: host, port: port) }
        guard case .tcp(let host, _) = asked else { return .tcp(host: "127.0.0.1", port: port) }
        return .tcp(host: host, port: port)
    }
}
