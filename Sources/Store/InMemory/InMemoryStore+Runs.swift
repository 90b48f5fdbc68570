public import Model

extension InMemoryStore: RunStore {
    public func enqueue(
        _ jobs: [RunJob], on queue: RunQueue, delay: Duration?, notBefore: Timestamp?, lease: Lease?
    ) throws(StoreError) -> [Enqueued] {
        try run { state, now throws(StoreError) in
            if let lease { try state.checkFence(lease, shard: queue.shard) }
            let due = max(now + (delay ?? .zero), notBefore ?? now)
            return state.enqueue(jobs, on: queue, due: due, now: now)
        }
    }

    public func turn(_ turn: RunTurn) throws(StoreError) -> RunTurnReply {
        try run { state, now in state.turn(turn, now: now) }
    }

    public func appendOutput(
        _ chunks: [String], of id: String, on queue: RunQueue, token: String
    ) throws(StoreError) {
        try run { state, _ in state.appendOutput(chunks, of: id, on: queue, token: token) }
    }

    public func runs(on queue: RunQueue, limit: Int) throws(StoreError) -> [RunRecord] {
        try run { state, _ in RunRecord.newest(limit, of: (state.runs[queue]?.jobs ?? [:]).values.map(\.record)) }
    }

    public func runs(_ ids: [String], on queue: RunQueue) throws(StoreError) -> [RunRecord?] {
        try run { state, _ in ids.map { state.runs[queue]?.jobs[$0]?.record } }
    }

    public func output(of id: String, on queue: RunQueue, after cursor: String?) throws(StoreError) -> RunOutput {
        try run { state, _ in
            let last = cursor.flatMap { Int($0) } ?? 0
            let chunks = (state.runs[queue]?.jobs[id]?.output ?? []).filter { $0.number > last }
            return RunOutput(
                chunks: chunks.map(\.text), cursor: String(chunks.last?.number ?? last),
                isCut: chunks.first.map { $0.number > last + 1 } ?? false)
        }
    }

    public func cancel(_ id: String, on queue: RunQueue, lease: Lease?) throws(StoreError) -> RunCancellation {
        try run { state, now throws(StoreError) in
            if let lease { try state.checkFence(lease, shard: queue.shard) }
            return state.cancel(id, on: queue, now: now)
        }
    }

    public func retry(_ id: String, on queue: RunQueue) throws(StoreError) -> Bool {
        try run { state, now in state.retry(id, on: queue, now: now) }
    }

    public func purge(_ ids: [String]?, on queue: RunQueue) throws(StoreError) -> Int {
        try run { state, _ in state.purge(ids, on: queue) }
    }

    // MARK: pools

    public func join(_ pool: Pool, servers: [String]) throws(StoreError) {
        try run { state, _ throws(StoreError) in
            for server in servers {
                let others = state.poolsOf[server, default: []]
                guard others.contains(pool) || others.count < Pool.mostOfOneServer else {
                    throw .tooLarge(Pool.full(server))
                }
                state.poolsOf[server, default: []].insert(pool)
                state.runs[.pool(pool), default: RunQueueEntry()].members.insert(server)
                state.wakes.insert(server)
            }
        }
    }

    public func leave(_ pool: Pool, server: String) throws(StoreError) {
        try run { state, _ in
            state.poolsOf[server]?.remove(pool)
            state.runs[.pool(pool)]?.members.remove(server)
            state.runs[.pool(pool)]?.epochs[server] = nil
            state.runs[.pool(pool)]?.idle.removeAll { $0 == server }
        }
    }

    public func members(of pool: Pool) throws(StoreError) -> [String] {
        try run { state, _ in (state.runs[.pool(pool)]?.members ?? []).sorted() }
    }

    public func pools() throws(StoreError) -> [Pool] {
        try run { state, _ in
            state.runs.keys.compactMap { if case .pool(let pool) = $0 { pool } else { nil } }.sorted {
                $0.name < $1.name
            }
        }
    }
}

extension InMemoryStore: ScheduleStore {
    public func scheduleState(_ name: String) throws(StoreError) -> ScheduleState? {
        try run { state, _ in state.schedules[name] }
    }

    public func writeScheduleStates(_ schedules: [String: ScheduleState], lease: Lease) throws(StoreError) {
        try run { state, _ throws(StoreError) in
            for (name, schedule) in schedules {
                try state.checkFence(lease, shard: StoreLayout.shard(of: name))
                state.schedules[name] = schedule
            }
        }
    }

    /// There are no collectors here.
    public func measurements(
        _ metric: String, of servers: [String], collectors: [String: String]
    ) throws(StoreError) -> Measured {
        try run { state, now in
            let values = servers.map { name -> Double? in
                guard collectors[name] == nil else { return nil }
                let entry = state[server: name]
                let silence = ObservedServer.silence(every: entry.reportInterval ?? MonitorSpec().every)
                guard let beat = entry.heartbeat, beat + silence > now else { return nil }
                return entry.values[metric].flatMap { Double($0) }
            }
            return Measured(values: values)
        }
    }
}
