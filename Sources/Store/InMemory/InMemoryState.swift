// The state of `InMemoryStore`, as plain values. Every operation is a mutating function of `InMemoryState` that makes all
// its checks before its first write: what it throws has changed nothing, as a script on Redis has not.

internal import Model

struct InMemoryState {
    var lease: HeldLease?
    var lastEpoch: Int64 = 0
    /// Nonces whose presence line is open.
    var presences: Set<String> = []
    var shards = Array(repeating: Shard(), count: StoreLayout.shards)
    /// Feed positions go on counting even when everything is lost, as Redis' own do by the clock.
    var lastPosition = 0
    /// What was written since the store last told its readers.
    var hints: [Int] = []
    var wakes: Set<String> = []
    var runs: [RunQueue: RunQueueEntry] = [:]
    /// By server: the pools that it takes from, and its labels as declared.
    var poolsOf: [String: Set<Pool>] = [:]
    var labelsOf: [String: [String: String]] = [:]
    var schedules: [String: ScheduleState] = [:]
    /// Of people's scripts, by name.
    var locks: [String: LockEntry] = [:]
    var inbox = InboxState()

    struct HeldLease {
        var lease: Lease
        var acquiredAt: Timestamp
        var expiresAt: Timestamp
    }
}

struct Shard {
    var fence: Fence?
    var refused = 0
    var feed = Feed()
    var resources: [ResourceKey: DesiredEntry] = [:]
    var tombstones: [ResourceKey: Tombstone] = [:]
    var servers: [String: ServerEntry] = [:]
    var events: [Event] = []

    struct Fence {
        var epoch: Int64
        var nonce: String
    }

    struct Feed {
        var entries: [(position: Int, change: Change)] = []
        var wasTrimmed = false
    }
}

struct DesiredEntry {
    var stored: StoredResource
    /// The `config:` entries as last applied, by which a hand edit is recognised.
    var appliedConfig: [String: String]
    var history: [String]
    var blobs: [String: [UInt8]]
    var status: ResourceStatus?

    var isEdited: Bool { stored.config != appliedConfig }
}

struct ServerEntry {
    var values: [String: String] = [:]
    var revision = 0
    /// The last report of any kind.
    var heartbeat: Timestamp?
    var instances: [String: InstanceEntry] = [:]
    /// The highest revision of an observed hash that is gone: a new one goes on from it, so that no job id comes twice.
    var revisionFloor = 0
    var assignmentRevision = 0
    var reportInterval: Duration?
    var jobs: [String: QueuedJob] = [:]
    var drifts: [(InstanceID, DriftRecord)] = []
    var agent: StandingAgent?
}

/// The agent that stands for a server.
struct StandingAgent {
    var identity: AgentIdentity
    var heardAt: Timestamp
    var epoch: Int64
}

struct InstanceEntry {
    var control: InstanceControl?
    var observed: ObservedInstance?
    var fieldsDigest = ""
}

struct QueuedJob {
    var record: JobRecord
    /// Ready jobs are claimed in this order.
    var readyAt: Timestamp
    /// The observed revision that it was planned from; nil for an observe job.
    var revision: Int?
    /// Of the attempt under way.
    var token: String?
    /// Of the attempt that was completed last: the same completion sent again is answered, not done again.
    var completedToken: String?
}

extension InMemoryState {
    subscript(server name: String) -> ServerEntry {
        get { shards[StoreLayout.shard(of: name)].servers[name] ?? ServerEntry() }
        _modify { yield &shards[StoreLayout.shard(of: name)].servers[name, default: ServerEntry()] }
    }

    subscript(instance id: InstanceID) -> InstanceEntry? {
        get { shards[id.shard].servers[id.server]?.instances[id.appKey] }
        _modify { yield &self[server: id.server].instances[id.appKey] }
    }

    /// Every write for the controller begins with this.
    mutating func checkFence(_ lease: Lease, shard: Int) throws(StoreError) {
        guard let fence = shards[shard].fence, fence.epoch == lease.epoch, fence.nonce == lease.nonce else {
            shards[shard].refused += 1
            throw .fenced(epoch: shards[shard].fence?.epoch ?? 0)
        }
    }

    /// The agent stands for the server from now on, under the epoch that is returned, unless another does.
    mutating func stand(_ agent: AgentIdentity?, for server: String, now: Timestamp) -> (Int64, AgentHolder?) {
        let before = self[server: server].agent
        if let holder = holder(of: server, besides: agent), holder.heardAt + AgentBounds.silence > now || agent == nil {
            return (0, holder)
        }
        guard let agent else { return (0, nil) }
        let isSame = before?.identity.id == agent.id
        let epoch = isSame ? before?.epoch ?? 0 : max((before?.epoch ?? 0) + 1, now.milliseconds)
        self[server: server].agent = StandingAgent(identity: agent, heardAt: now, epoch: epoch)
        return (epoch, nil)
    }

    /// Another agent that was the last to stand for the server.
    func holder(of server: String, besides agent: AgentIdentity?) -> AgentHolder? {
        guard let holder = shards[StoreLayout.shard(of: server)].servers[server]?.agent,
            holder.identity.id != agent?.id
        else { return nil }
        return AgentHolder(place: holder.identity.place, heardAt: holder.heardAt)
    }

    mutating func addChange(_ subject: Change.Subject, _ what: String, shard: Int) {
        lastPosition += 1
        shards[shard].feed.entries.append((lastPosition, Change(subject: subject, what: what)))
        if shards[shard].feed.entries.count > StoreBounds.feedEntries {
            shards[shard].feed.entries.removeFirst()
            shards[shard].feed.wasTrimmed = true
        }
        hints.append(shard)
    }

    mutating func addEvents(_ events: [Event], shard: Int) {
        shards[shard].events.append(contentsOf: events)
        let excess = shards[shard].events.count - StoreBounds.eventsPerShard
        if excess > 0 { shards[shard].events.removeFirst(excess) }
    }
}
