// What agents write.

internal import Model

extension InMemoryState {
    /// What an agent reports counts as long as no other stands for the server.
    func checkAgent(_ agent: AgentIdentity?, of server: String) throws(StoreError) {
        if holder(of: server, besides: agent) != nil { throw .conflict(found: AgentHolder.conflict) }
    }

    mutating func report(_ report: ServerReport, now: Timestamp) -> Int {
        var entry = self[server: report.server]
        let before = entry.values
        let isFirst = entry.revision == 0
        let isNew = isFirst || entry.heartbeat == nil
        entry.heartbeat = now
        entry.values = report.full ? report.values : before.merging(report.values) { $1 }
        if isFirst || entry.values != before { entry.revision += 1 }
        self[server: report.server] = entry
        let moved = Set(before.keys).union(entry.values.keys).filter { before[$0] != entry.values[$0] }
        if isNew || moved.contains(where: { !ServerReport.isMeasurement($0) }) {
            addChange(.server(report.server), "observed", shard: StoreLayout.shard(of: report.server))
        }
        return entry.revision
    }

    mutating func report(_ report: InstanceReport, now: Timestamp) -> Int {
        let id = report.id
        // A server is known by what its monitor reports.
        if self[server: id.server].heartbeat != nil { self[server: id.server].heartbeat = now }
        if report.gone { return removeObserved(id) }
        let entry = self[instance: id] ?? InstanceEntry()
        var observed =
            entry.observed
            ?? ObservedInstance(
                id: id, revision: self[server: id.server].revisionFloor, generation: 0, digest: "", reportedAt: now,
                fields: [:])
        let before = observed
        observed.generation = report.generation
        observed.digest = report.digest
        if report.full { observed.fields.removeAll() }
        for (field, value) in report.fields { observed.fields[field] = value }
        let isChanged = entry.observed == nil || observed != before || entry.fieldsDigest != report.fieldsDigest
        if isChanged { observed.revision += 1 }
        observed.reportedAt = now
        self[server: id.server].instances[id.appKey] = InstanceEntry(
            control: entry.control, observed: observed, fieldsDigest: report.fieldsDigest)
        if isChanged { addChange(.instance(id), "observed", shard: id.shard) }
        return observed.revision
    }

    private mutating func removeObserved(_ id: InstanceID) -> Int {
        guard let entry = self[instance: id], let observed = entry.observed else { return 0 }
        self[server: id.server].revisionFloor = max(self[server: id.server].revisionFloor, observed.revision)
        self[instance: id] = entry.control.map { InstanceEntry(control: $0) }
        addChange(.instance(id), "observed", shard: id.shard)
        return 0
    }
}
