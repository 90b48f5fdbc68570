// A Redis Cluster of a test's own: three primaries on TCP ports of 127.0.0.1, each with a replica where that is wanted.
//
// Guarantees: `with` hands over a cluster whose servers all know one another, and which slots are whose.

internal import Glibc
internal import Synchronization

public final class PrivateCluster: Sendable {
    /// One for all tests of the process that only add keys of their own, because a new cluster takes no writes for two
    /// seconds. It ends with the process.
    public static var shared: PrivateCluster {
        get async throws { try await one.value }
    }

    private static let one = Task {
        let cluster = try await start()
        leftovers.withLock { $0 = cluster.nodes.map(\.server.folder) }
        atexit { for folder in PrivateCluster.leftovers.withLock({ $0 }) { _ = removeFolder(folder) } }
        return cluster
    }
    private static let leftovers = Mutex<[String]>([])

    /// How many slots a cluster has.
    static let slots = 16384

    public struct Node: Sendable {
        public let server: PrivateRedis
        public let id: String
    }

    /// As they were made: a failover changes their parts.
    public let primaries: [Node]
    /// The replica of each primary, in the same order; none where none was wanted.
    public let replicas: [Node]

    public var nodes: [Node] { primaries + replicas }

    /// `redis+cluster://127.0.0.1:20001,…`
    public var url: String {
        "redis+cluster://" + nodes.map { "127.0.0.1:\($0.server.port)" }.joined(separator: ",")
    }

    private init(primaries: [Node], replicas: [Node]) {
        self.primaries = primaries
        self.replicas = replicas
    }

    /// Runs a body with a cluster that is gone afterwards, however the body ends. A primary that does not answer for
    /// `nodeTimeout` ms is replaced by its replica.
    public static func with<Value>(
        replicas: Bool = false, nodeTimeout: Int = 2000, appendOnly: Bool = false,
        _ body: (PrivateCluster) async throws -> Value
    ) async throws -> Value {
        let cluster = try await start(replicas: replicas, nodeTimeout: nodeTimeout, appendOnly: appendOnly)
        do {
            let value = try await body(cluster)
            await cluster.end()
            return value
        } catch {
            await cluster.end()
            throw error
        }
    }

    private static func start(
        replicas: Bool = false, nodeTimeout: Int = 2000, appendOnly: Bool = false
    ) async throws -> PrivateCluster {
        let options = [
            "--cluster-enabled", "yes", "--cluster-node-timeout", String(nodeTimeout), "--repl-diskless-sync-delay",
            "0",
        ]
        // Those that were started are gone with their last reference, should another not start.
        var nodes: [Node] = []
        for _ in 0..<(replicas ? 6 : 3) {
            let server = try await PrivateRedis.start(
                port: try PrivateRedis.freePort(), appendOnly: appendOnly, options: options)
            nodes.append(Node(server: server, id: try await server.ask("CLUSTER", "MYID")))
        }
        let cluster = PrivateCluster(primaries: Array(nodes.prefix(3)), replicas: Array(nodes.dropFirst(3)))
        try await cluster.join()
        return cluster
    }

    private func end() async {
        for node in nodes { await node.server.kill9() }
    }

    private func join() async throws {
        for (index, node) in nodes.enumerated() {
            // Of epochs that are different from the beginning nobody has to be talked out of his.
            _ = try await node.server.ask("CLUSTER", "SET-CONFIG-EPOCH", String(index + 1))
            guard index > 0 else { continue }
            _ = try await node.server.ask("CLUSTER", "MEET", "127.0.0.1", String(nodes[0].server.port))
        }
        for (index, node) in primaries.enumerated() {
            let (first, last) = (index * Self.slots / 3, (index + 1) * Self.slots / 3 - 1)
            _ = try await node.server.ask("CLUSTER", "ADDSLOTSRANGE", String(first), String(last))
        }
        try await wait("they know one another") { [count = nodes.count] info in
            info.contains("cluster_known_nodes:\(count)") && info.contains("cluster_state:ok")
        }
        for (primary, replica) in zip(primaries, replicas) {
            _ = try await replica.server.ask("CLUSTER", "REPLICATE", primary.id)
        }
        let areThere = try await eventually(within: PrivateRedis.patience) {
            for node in nodes {
                // id, address, flags, its primary, ping, pong, epoch, link, slots…
                let known = try await node.server.ask("CLUSTER", "NODES").split(separator: "\n").map {
                    $0.split(separator: " ")
                }
                guard known.count(where: { $0.count > 7 && $0[7] == "connected" }) == nodes.count,
                    known.count(where: { $0.count > 2 && $0[2].hasSuffix("slave") }) == replicas.count,
                    known.count(where: { $0.count > 8 }) == primaries.count
                else { return false }
            }
            for replica in replicas {
                let info = try await replica.server.ask("INFO", "replication")
                guard info.contains("master_link_status:up") else { return false }
            }
            return true
        }
        guard areThere else { throw SpawnFailure(description: "the servers of a cluster did not agree on their parts") }
    }

    /// Waits until of each server that runs it holds what CLUSTER INFO says.
    public func wait(_ what: String, _ condition: (String) -> Bool) async throws {
        let isSo = try await eventually(within: PrivateRedis.patience) {
            for node in nodes where node.server.pid != nil {
                guard condition(try await node.server.ask("CLUSTER", "INFO")) else { return false }
            }
            return true
        }
        guard isSo else {
            throw SpawnFailure(description: "of the servers of a cluster, it did not come to hold: \(what)")
        }
    }

    // MARK: slots

    /// The slot of a key.
    public func slot(of key: String) async throws -> Int {
        Int(try await nodes[0].server.ask("CLUSTER", "KEYSLOT", key)) ?? 0
    }

    /// The primary of a slot, as it was made or as `move` left it.
    public func owner(of slot: Int) async throws -> Node {
        for node in nodes where node.server.pid != nil {
            let own = try await node.server.ask("CLUSTER", "NODES").split(separator: "\n").first {
                $0.contains("myself")
            }
            let ranges = own?.split(separator: " ").dropFirst(8).filter { !$0.hasPrefix("[") } ?? []
            for range in ranges {
                let ends = range.split(separator: "-").compactMap { Int($0) }
                if let first = ends.first, let last = ends.last, (first...last).contains(slot) { return node }
            }
        }
        throw SpawnFailure(description: "no server of the cluster says that it has slot \(slot)")
    }

    /// Moves a slot to the next primary, as `redis-cli --cluster reshard` does. `during` is run when the move has begun,
    /// when half of the keys have moved, and when all have and the slot has not.
    public func move(slot: Int, during: () async throws -> Void = {}) async throws {
        let from = try await owner(of: slot)
        let index = primaries.firstIndex { $0.id == from.id } ?? 0
        let to = primaries[(index + 1) % primaries.count]
        _ = try await to.server.ask("CLUSTER", "SETSLOT", String(slot), "IMPORTING", from.id)
        _ = try await from.server.ask("CLUSTER", "SETSLOT", String(slot), "MIGRATING", to.id)
        try await during()
        let keys = try await keys(of: slot, on: from)
        try await migrate(Array(keys.prefix(keys.count / 2)), from, to)
        try await during()
        // What came meanwhile, too.
        while case let rest = try await self.keys(of: slot, on: from), !rest.isEmpty {
            try await migrate(rest, from, to)
        }
        try await during()
        for node in [to, from] + primaries.filter({ $0.id != to.id && $0.id != from.id }) {
            _ = try await node.server.ask("CLUSTER", "SETSLOT", String(slot), "NODE", to.id)
        }
    }

    private func keys(of slot: Int, on node: Node) async throws -> [String] {
        try await node.server.ask("CLUSTER", "GETKEYSINSLOT", String(slot), "1000").split(separator: "\n").map(
            String.init)
    }

    private func migrate(_ keys: [String], _ from: Node, _ to: Node) async throws {
        guard !keys.isEmpty else { return }
        let words = ["MIGRATE", "127.0.0.1", String(to.server.port), "", "0", "5000", "KEYS"] + keys
        _ = try await from.server.ask(words)
    }

    // MARK: failover

    /// Waits until every replica has all that its primary has acknowledged by now.
    public func replicate() async throws {
        for (one, other) in zip(primaries, replicas) {
            let isReplica = try await one.server.ask("INFO", "replication").contains("role:slave")
            try await (isReplica ? one : other).server.follow((isReplica ? other : one).server)
        }
    }

    /// Whether the others have one that took a server's place, and take writes.
    public func isWhole(without gone: Node) async throws -> Bool {
        for node in nodes where node.server.pid != nil && node.id != gone.id {
            guard try await node.server.ask("CLUSTER", "INFO").contains("cluster_state:ok") else { return false }
            let lines = try await node.server.ask("CLUSTER", "NODES").split(separator: "\n")
            let hasSlots = lines.contains { $0.hasPrefix(gone.id) && $0.split(separator: " ").count > 8 }
            if hasSlots { return false }
        }
        return true
    }
}
