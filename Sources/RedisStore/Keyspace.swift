// Every key, in one file. 64 fixed shards with hash tags `{s00}`…`{s63}`, so that the same keys and scripts work on one
// server, behind Sentinel and on a cluster, and `{ctl}` for what is not sharded. What belongs to one server is under its
// name, so that one ACL pattern can confine one agent (`docs/keyspace.md`).

internal import Model
internal import Store

struct Keyspace: Sendable, Hashable {
    let prefix: String

    // MARK: not sharded

    /// Schema version and number of shards.
    var meta: String { "\(prefix):{ctl}:meta" }
    /// The leader lock: holder, nonce, epoch, acquiredAt, expiresAt.
    var lease: String { "\(prefix):{ctl}:lease" }
    /// A leader subscribes to this and its nonce.
    var presenceChannels: String { "\(prefix):{ctl}:presence:" }
    /// The number of a shard is published here when something was written in it.
    var hintChannel: String { "\(prefix):changes" }

    // MARK: shards

    func shard(_ number: Int) -> String { "\(prefix):{s\(number < 10 ? "0" : "")\(number)}" }

    /// Epoch and nonce that this shard accepts writes from.
    func fence(_ shard: Int) -> String { "\(self.shard(shard)):fence" }
    /// How many writes the fence refused.
    func refused(_ shard: Int) -> String { "\(self.shard(shard)):refused" }
    /// The change feed.
    func changes(_ shard: Int) -> String { "\(self.shard(shard)):changes" }
    func events(_ shard: Int) -> String { "\(self.shard(shard)):events" }
    /// Server → time of its last report.
    func heartbeats(_ shard: Int) -> String { "\(self.shard(shard)):heartbeats" }
    /// `server/app` → `revision:digest of the fields`.
    func summary(_ shard: Int) -> String { "\(self.shard(shard)):summary" }
    /// Servers that have instances.
    func servers(_ shard: Int) -> String { "\(self.shard(shard)):servers" }
    /// Names of one kind.
    func index(_ kind: Kind, _ shard: Int) -> String { "\(self.shard(shard)):index:\(kind.rawValue)" }
    /// Tombstones: name → generation, time and person.
    func deleted(_ kind: Kind, _ shard: Int) -> String { "\(self.shard(shard)):deleted:\(kind.rawValue)" }

    // MARK: resources

    func desired(_ key: ResourceKey) -> String { desiredPrefix(key.kind, key.shard) + key.name }
    func desiredPrefix(_ kind: Kind, _ shard: Int) -> String { "\(self.shard(shard)):desired:\(kind.rawValue):" }
    /// The `config:` entries as last applied.
    func applied(_ key: ResourceKey) -> String { appliedPrefix(key.kind, key.shard) + key.name }
    func appliedPrefix(_ kind: Kind, _ shard: Int) -> String { "\(self.shard(shard)):applied:\(kind.rawValue):" }
    func history(_ key: ResourceKey) -> String { "\(shard(key.shard)):history:\(key.kind.rawValue):\(key.name)" }
    /// Digest → content of the files that its manifests name.
    func blobs(_ key: ResourceKey) -> String { "\(shard(key.shard)):blobs:\(key.kind.rawValue):\(key.name)" }
    func status(_ key: ResourceKey) -> String { "\(shard(key.shard)):status:\(key.kind.rawValue):\(key.name)" }

    // MARK: servers

    func server(_ name: String) -> String { serverPrefix(StoreLayout.shard(of: name)) + name + ":" }
    func serverPrefix(_ shard: Int) -> String { "\(self.shard(shard)):server:" }
    /// The monitor hash.
    func observed(server: String) -> String { self.server(server) + "observed" }
    /// The observed hash of one instance.
    func observed(_ id: InstanceID) -> String { server(id.server) + "app:" + id.appKey }
    /// The controller's hash of one instance.
    func control(_ id: InstanceID) -> String { server(id.server) + "instance:" + id.appKey }
    /// What the agent is asked to observe of one instance, as JSON. Beside the control hash, because it is large, and
    /// whoever reads many instances needs its generation and digest only, which are in the control hash.
    func assignment(_ id: InstanceID) -> String { server(id.server) + "assignment:" + id.appKey }
    /// Whether a key is one of `assignment(_:)`: the others of an instance are hashes. No App has a colon in its name.
    static func isAssignment(_ key: String) -> Bool {
        guard let colon = key.utf8.lastIndex(of: UInt8(ascii: ":")) else { return false }
        return key.utf8[..<colon].suffix(11).elementsEqual(":assignment".utf8)
    }

    /// Repaired drift.
    func drifts(_ server: String) -> String { self.server(server) + "drifts" }
    func job(_ server: String, _ id: String) -> String { self.server(server) + "job:" + id }
    /// A list of at most one entry, to block on.
    func wake(_ server: String) -> String { self.server(server) + "queue:wake" }

    /// The agent that stands for the server: identity, place, heardAt, epoch.
    func agent(_ server: String) -> String { self.server(server) + "agent" }
    /// How often the agent is to report, in milliseconds; the store keeps it beside the Server's manifest.
    func interval(_ server: String) -> String { self.server(server) + "interval" }
    /// Counts the changes of what the agent is asked.
    func assignments(_ server: String) -> String { self.server(server) + "assignments" }

    /// The labels of a declared server, for its agent: `LabelLines`.
    func labels(_ server: String) -> String { self.server(server) + "labels" }
    /// The names of the pools that it takes from.
    func pools(ofServer server: String) -> String { self.server(server) + "pools" }

    // MARK: runs

    /// What begins the keys of one queue of runs.
    func runs(_ queue: RunQueue) -> String {
        switch queue {
        case .server(let name): server(name) + "runs:"
        case .pool(let pool): "\(shard(queue.shard)):pool:\(pool.name):"
        }
    }

    /// How a job ended, for the script that waits for it: only of jobs whose ends are told.
    func runResult(_ id: String, on queue: RunQueue) -> String { runs(queue) + "result:" + id }
    func runOutput(_ id: String, on queue: RunQueue) -> String { runs(queue) + "output:" + id }
    func members(_ pool: Pool) -> String { runs(.pool(pool)) + "members" }
    /// The names of the pools of one shard.
    func pools(_ shard: Int) -> String { "\(self.shard(shard)):pools" }
    /// How far a Schedule has come.
    func schedule(_ name: String) -> String { "\(shard(StoreLayout.shard(of: name))):schedule:\(name)" }

    // MARK: what scripts are given

    /// In the order of `preludeRuns.lua`. A pool has no executor of its own, and so no keys of a server. What executors call
    /// names no key of the whole shard, so that one ACL pattern can confine them to their server and their pools.
    func runKeys(_ queue: RunQueue, forExecutor: Bool) -> [String] {
        let base = runs(queue)
        let own =
            switch queue {
            case .server(let name): [wake(name), pools(ofServer: name), labels(name), agent(name)]
            case .pool: [base + "wake", base + "pools", base + "labels", base + "epochs"]
            }
        return [
            base + "ready", base + "delayed", base + "retries", base + "active", base + "jobs", base + "claims",
            base + "tries", base + "ended", base + "cancels", base + "idle", base + "members",
            base + "doubts", base + "results", base + "told",
        ] + own + (forExecutor ? [] : [pools(queue.shard), fence(queue.shard), refused(queue.shard)])
    }

    /// In the order of `preludeServer.lua`. The last is never there. While a slot of a cluster moves, Redis answers a script that
    /// declares such a key with ASK or TRYAGAIN before it has begun; otherwise it would end in the middle, where it makes a
    /// key that is not declared. Of the keys of a queue of runs some are never there: a pool has no labels, a server no members.
    func serverKeys(_ server: String) -> [String] {
        let shard = StoreLayout.shard(of: server)
        let base = self.server(server)
        return [
            changes(shard), heartbeats(shard), summary(shard), fence(shard), refused(shard), events(shard),
            observed(server: server), base + "instances", assignments(server), base + "floor", drifts(server),
            base + "queue:ready", base + "queue:delayed", base + "queue:active", base + "queue:open",
            base + "queue:ended", wake(server), servers(shard), interval(server), agent(server), base + "none",
        ]
    }

    /// In the order of `preludeResource.lua`.
    func resourceKeys(_ key: ResourceKey) -> [String] {
        [
            changes(key.shard), fence(key.shard), refused(key.shard), events(key.shard), desired(key), applied(key),
            index(key.kind, key.shard), deleted(key.kind, key.shard), history(key), blobs(key), status(key),
            heartbeats(key.shard),
            interval(key.name), assignments(key.name), wake(key.name), labels(key.name), schedule(key.name),
        ]
    }
}

// MARK: locks of people's scripts

extension Keyspace {
    /// Holder, nonce, epoch, expiresAt and lastBegunAt.
    func lock(_ name: String) -> String { lockPrefix(StoreLayout.shard(of: name)) + name }
    func lockPrefix(_ shard: Int) -> String { "\(self.shard(shard)):lock:" }
    /// Name → when it was last used.
    func locks(_ shard: Int) -> String { "\(self.shard(shard)):locks" }
}

// MARK: the inbox

extension Keyspace {
    /// A list: whatever anybody pushed.
    var inbox: String { "\(prefix):{ctl}:inbox" }
    /// Id → what was taken and is not settled.
    var inboxTaken: String { inbox + ":taken" }
    /// The number in the last id.
    var inboxNumber: String { inbox + ":number" }
    var inboxRefused: String { inbox + ":refused" }
    /// Id → when it was settled.
    var inboxRecords: String { inbox + ":records" }
    /// What became of one.
    func inboxRecord(_ id: String) -> String { inbox + ":item:" + id }

    /// In the order of `preludeInbox.lua`. The last is never there: see `serverKeys`.
    var inboxKeys: [String] { [lease, inboxTaken, inboxRefused, inboxRecords, inbox + ":none"] }
}
