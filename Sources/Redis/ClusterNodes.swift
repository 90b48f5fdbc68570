// A Redis Cluster: a map from slots to servers, and a link to each. The map is read with CLUSTER SLOTS, corrected slot by
// slot when a server says MOVED, and read anew when a server that it names cannot be reached.

internal import Synchronization

final class ClusterNodes: Topology {
    private struct Map {
        /// The server of each slot; empty before the first reading.
        var servers: [RedisEndpoint?] = []
        var links: [RedisEndpoint: NodeLink] = [:]
    }

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
        let endpoint = try await server(for: key)
        do throws(RedisError) {
            return try await link(to: endpoint).connection()
        } catch {
            // The server may have been replaced: the others know by whom. If they still name it, the error stands.
            if case .authentication = error { throw error }
            try await readMap()
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
        // Nobody follows a change of place on it, so the server is asked whether the key lives there.
        var shared = try await connection(for: key)
        if let key {
            do throws(RedisError) {
                _ = try await shared.send(RedisCommand("EXISTS", key: key))
            } catch {
                guard case .retry = await remedy(for: error, from: shared, attempt: 0) else { throw error }
                shared = try await connection(for: key)
            }
        }
        return try await RedisConnection.connect(to: shared.endpoint, as: login, on: threads)
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
            try? await readMap()
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
                try await RedisConnection.connect(to: endpoint, as: login, on: threads)
            }
            map.links[endpoint] = link
            return link
        }
    }

    /// Asks the servers, those that are connected first, until one gives the map.
    private func readMap() async throws(RedisError) {
        let known = map.withLock { map in
            map.links.keys.sorted { map.links[$0]?.current != nil && map.links[$1]?.current == nil }
        }
        var last = RedisError.noPrimary("no server of the cluster is known")
        for endpoint in known + seeds.filter({ !known.contains($0) }) {
            do throws(RedisError) {
                let reply = try await link(to: endpoint).connection().send(RedisCommand("CLUSTER", ["SLOTS"]))
                guard let servers = Self.servers(reply, from: endpoint) else {
                    throw .protocolViolation("CLUSTER SLOTS of \(endpoint) gave no map")
                }
                map.withLock { $0.servers = servers }
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
