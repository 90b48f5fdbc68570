// The queues as people and the controller see them, and as the agent works on them.

internal import Manifests
public import Model
internal import Redis
public import Store
internal import Synchronization

extension RedisStore: QueueStore {
    public func jobs(server: String, limit: Int) async throws(StoreError) -> [JobRecord] {
        let reply = try await call(Scripts.listJobs, server: server, [.int(max(0, limit))], isWrite: false)
        var records: [JobRecord] = []
        // One that cannot be read is ended by the agent that claims it, with the reason; it does not hide the others.
        for job in reply.array ?? [] { if let record = try? record(job, server: server) { records.append(record) } }
        return JobRecord.newest(limit, of: records)
    }

    public func job(server: String, id: String) async throws(StoreError) -> JobRecord? {
        try record(try await read(RedisCommand("HGETALL", key: keys.job(server, id))), server: server)
    }

    private func record(_ reply: RedisValue, server: String) throws(StoreError) -> JobRecord? {
        guard let fields = reply.fields, !fields.isEmpty else { return nil }
        let key = keys.server(server) + "job:…"
        guard let text = fields["job"], let state = fields["state"].flatMap(JobState.init(rawValue:)),
            let attempt = fields["attempt"].flatMap({ Int($0) }), let enqueued = time(fields["enqueuedAt"])
        else { throw .corrupt(key: key, "expected job, state, attempt and enqueuedAt") }
        return JobRecord(
            job: try decode(text, in: key), state: state, attempt: attempt, enqueuedAt: enqueued,
            claimedAt: time(fields["claimedAt"]), finishedAt: time(fields["finishedAt"]), dueAt: time(fields["dueAt"]),
            error: fields["error"], output: fields["output"])
    }

    private func time(_ text: String?) -> Timestamp? {
        text.flatMap { Int64($0) }.map { Timestamp(milliseconds: $0) }
    }

    public func enqueueObserve(_ job: Job) async throws(StoreError) {
        guard job.kind == .observe else {
            throw .unavailable("job \(job.id) is no observe job: only a leader emits those")
        }
        let id = job.plan.instance
        try await call(
            Scripts.enqueueObserve, server: id.server,
            [.string(job.id), .string(id.appKey), .string(try boundedText(of: job)), .int(job.plan.generation)])
    }

    public func cancel(server: String, id: String) async throws(StoreError) -> Bool {
        try await call(Scripts.cancelJob, server: server, [.string(id)]).int == 1
    }

    public func retry(_ id: InstanceID) async throws(StoreError) -> Bool {
        try await call(Scripts.retryInstance, server: id.server, [.string(id.appKey)]).int == 1
    }
}
