// Instances, queues and the feed.

public import Model

extension InMemoryStore: InstanceStore {
    public func instance(_ id: InstanceID) throws(StoreError) -> InstanceSnapshot {
        try run { state, _ in
            let entry = state[instance: id]
            return InstanceSnapshot(id: id, control: entry?.control, observed: entry?.observed)
        }
    }

    public func instances(
        _ ids: [InstanceID], assignments: AssignmentDetail, _ handle: @escaping @Sendable (InstanceSnapshot) -> Void
    ) throws(StoreError) {
        for id in ids {
            var snapshot = try instance(id)
            if assignments == .head { snapshot.control?.assignment?.fields = [] }
            handle(snapshot)
        }
    }

    public func visitObserved<Visitor: ObservedVisitor>(
        _ ids: [InstanceID], _ visitor: Visitor
    ) throws(StoreError) -> Visitor {
        try run { state, _ in
            var visitor = visitor
            for (index, id) in ids.enumerated() {
                visitor.begin(index)
                for (name, value) in Self.entries(of: state[instance: id]) {
                    Array(name.utf8).withUnsafeBytes { name in
                        Array(value.utf8).withUnsafeBytes { visitor.visit(name, $0) }
                    }
                }
                visitor.end(index)
            }
            return visitor
        }
    }

    /// The observed hash as it is in Redis.
    private static func entries(of entry: InstanceEntry?) -> [(String, String)] {
        guard let entry, let observed = entry.observed else { return [] }
        return [
            ("revision", "\(observed.revision)"), ("generation", "\(observed.generation)"),
            ("digest", observed.digest), ("fieldsDigest", entry.fieldsDigest),
            ("reportedAt", "\(observed.reportedAt.milliseconds)"),
        ] + observed.fields.map { ($0.key.description, $0.value) }
    }

    public func instanceIDs(shard: Int) throws(StoreError) -> [InstanceID] {
        try run { state, _ in
            state.shards[shard].servers.flatMap { server, entry in
                entry.instances.keys.map { InstanceID(appKey: $0, server: server) }
            }.sorted()
        }
    }

    public func summaries(shard: Int) throws(StoreError) -> [InstanceSummary] {
        try run { state, _ in
            state.shards[shard].servers.values.flatMap { server in
                server.instances.values.compactMap { entry in
                    entry.observed.map {
                        InstanceSummary(id: $0.id, revision: $0.revision, fieldsDigest: entry.fieldsDigest)
                    }
                }
            }.sorted { $0.id < $1.id }
        }
    }

    public func commit(_ commit: InstanceCommit, lease: Lease) throws(StoreError) {
        try run { state, now throws(StoreError) in try state.commit(commit, lease: lease, now: now) }
    }

    public func driftHistory(server: String, limit: Int) throws(StoreError) -> [(InstanceID, DriftRecord)] {
        try run { state, _ in Array(state[server: server].drifts.reversed().prefix(max(0, limit))) }
    }

    public func events(limit: Int) throws(StoreError) -> [Event] {
        try run { state, _ in Event.newest(limit, of: state.shards.flatMap(\.events)) }
    }

    public func record(_ event: Event, lease: Lease?) throws(StoreError) {
        try run { state, _ throws(StoreError) in
            if let lease { try state.checkFence(lease, shard: event.shard) }
            state.addEvents([event], shard: event.shard)
        }
    }
}

extension Event {
    /// The newest of all shards' events, oldest of them first.
    public static func newest(_ limit: Int, of events: [Event]) -> [Event] {
        let sorted = events.enumerated().sorted { ($0.element.at, $0.offset) < ($1.element.at, $1.offset) }
        return sorted.suffix(max(0, limit)).map(\.element)
    }
}

extension InMemoryStore: QueueStore {
    public func jobs(server: String, limit: Int) throws(StoreError) -> [JobRecord] {
        try run { state, _ in JobRecord.newest(limit, of: state[server: server].jobs.values.map(\.record)) }
    }

    public func job(server: String, id: String) throws(StoreError) -> JobRecord? {
        try run { state, _ in state[server: server].jobs[id]?.record }
    }

    public func enqueueObserve(_ job: Job) throws(StoreError) {
        try run { state, now throws(StoreError) in try state.enqueueObserve(job, now: now) }
    }

    public func cancel(server: String, id: String) throws(StoreError) -> Bool {
        try run { state, now in state.cancel(server: server, id: id, now: now) }
    }

    public func retry(_ id: InstanceID) throws(StoreError) -> Bool {
        try run { state, now in state.retry(id, now: now) }
    }
}

extension JobRecord {
    /// Newest first.
    public static func newest(_ limit: Int, of records: [JobRecord]) -> [JobRecord] {
        Array(records.sorted { ($0.enqueuedAt, $0.job.id) > ($1.enqueuedAt, $1.job.id) }.prefix(max(0, limit)))
    }
}

extension InMemoryStore: FeedStore {
    public func feedEnd() throws(StoreError) -> FeedCursor {
        try run { state, _ in state.feedEnd }
    }

    public func changes(after cursor: FeedCursor, shards: [Int]?, limit: Int) throws(StoreError) -> FeedBatch {
        try run { state, _ in state.changes(after: cursor, shards: shards, limit: limit) }
    }

    public func silentServers(before: Timestamp) throws(StoreError) -> [String: Timestamp] {
        try run { state, _ in
            var silent: [String: Timestamp] = [:]
            for (name, entry) in state.shards.flatMap(\.servers) {
                if let heartbeat = entry.heartbeat, heartbeat < before { silent[name] = heartbeat }
            }
            return silent
        }
    }

    public func observedServer(_ name: String) throws(StoreError) -> ObservedServer? {
        try run { state, _ in
            // Who reports instances only is not known as a server.
            guard let entry = state.shards[StoreLayout.shard(of: name)].servers[name], entry.revision > 0 else {
                return nil
            }
            return ObservedServer(
                name: name, revision: entry.revision, reportedAt: entry.heartbeat, values: entry.values)
        }
    }

    public func observedServers(_ names: [String]) throws(StoreError) -> [ObservedServer] {
        var servers: [ObservedServer] = []
        for name in names { if let server = try observedServer(name) { servers.append(server) } }
        return servers
    }

    /// No other program writes here.
    public func collectorHash(_ name: String) throws(StoreError) -> [String: String] { [:] }

    public func now() throws(StoreError) -> Timestamp {
        try run { _, now in now }
    }
}
