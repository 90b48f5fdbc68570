// The queues of runs, as people, schedules and the inbox see them.

internal import Manifests
public import Model
internal import Redis
public import Store

extension RedisStore: RunStore {
    public func enqueue(
        _ jobs: [RunJob], on queue: RunQueue, delay: Duration?, notBefore: Timestamp?, lease: Lease?
    ) async throws(StoreError) -> [Enqueued] {
        var answers: [Enqueued] = []
        for start in stride(from: 0, to: jobs.count, by: RunBounds.largestBatch) {
            let part = jobs[start..<min(start + RunBounds.largestBatch, jobs.count)]
            var arguments = lease?.arguments ?? ["", ""]
            arguments += [
                .int(Int((delay ?? .zero).wholeMilliseconds)), .int(Int(notBefore?.milliseconds ?? 0)),
                part.contains { $0.isToldAsHash } ? "1" : "0", .int(part.count),
            ]
            for job in part {
                let text = job.wireText
                guard text.utf8.count <= RunBounds.jobBytes else {
                    throw .tooLarge(
                        "job \(job.id) has \(text.utf8.count) bytes; at most \(RunBounds.jobBytes) are taken")
                }
                arguments += [.string(job.id), .string(RunBody.head(of: job)), .string(text)]
            }
            let reply = try await call(Scripts.enqueueRuns, runs: queue, arguments).array ?? []
            guard reply.count == part.count + 1 else {
                throw .corrupt(key: keys.runs(queue), "the script answered with something unknown")
            }
            await wake((reply[0].array ?? []).compactMap(\.string))
            answers += reply.dropFirst().map { JobState(rawValue: $0.string ?? "").map { .known($0) } ?? .created }
        }
        return answers
    }

    /// A hint that is lost costs time only: executors look by themselves once in a while.
    private func wake(_ servers: [String]) async {
        guard !servers.isEmpty else { return }
        var commands: [RedisCommand] = []
        for server in servers {
            commands.append(RedisCommand("LPUSH", key: keys.wake(server), ["1"]))
            commands.append(RedisCommand("LTRIM", key: keys.wake(server), ["0", "0"]))
        }
        _ = await results(of: commands)
    }

    public func runs(on queue: RunQueue, limit: Int) async throws(StoreError) -> [RunRecord] {
        let reply = try await call(Scripts.listRuns, runs: queue, [.int(max(0, limit))], isWrite: false)
        // One that cannot be read is ended by the executor that claims it, with the reason; it does not hide the others.
        var records: [RunRecord] = []
        for job in reply.array ?? [] {
            if let record = try? RunRecord(job, on: queue, in: keys.runs(queue)) { records.append(record) }
        }
        return RunRecord.newest(limit, of: records)
    }

    public func runs(_ ids: [String], on queue: RunQueue) async throws(StoreError) -> [RunRecord?] {
        guard !ids.isEmpty else { return [] }
        let arguments: [RedisArgument] = ["0"] + ids.map { .string($0) }
        let reply = try await call(Scripts.listRuns, runs: queue, arguments, isWrite: false).array ?? []
        var records: [RunRecord?] = []
        for job in reply { records.append(job.isNull ? nil : try RunRecord(job, on: queue, in: keys.runs(queue))) }
        return records
    }

    public func output(of id: String, on queue: RunQueue, after cursor: String?) async throws(StoreError) -> RunOutput {
        let last = cursor.flatMap { Int($0) } ?? 0
        let reply = try await read(
            RedisCommand("XRANGE", key: keys.runOutput(id, on: queue), [.string("(\(last)-0"), "+"]))
        var output = RunOutput(chunks: [], cursor: String(last))
        for entry in reply.array ?? [] {
            guard let parts = entry.array, parts.count == 2, let fields = parts[1].fields, let text = fields["text"],
                let number = parts[0].string.flatMap({ Int($0.prefix { $0 != "-" }) })
            else { continue }
            if output.chunks.isEmpty, number > last + 1 { output.isCut = true }
            output.chunks.append(text)
            output.cursor = String(number)
        }
        return output
    }

    public func cancel(
        _ id: String, on queue: RunQueue, lease: Lease?
    ) async throws(StoreError) -> RunCancellation {
        let arguments = (lease?.arguments ?? ["", ""]) + [.string(id)]
        let reply = try await call(Scripts.cancelRun, runs: queue, arguments).array ?? []
        let words = reply.compactMap(\.string)
        switch (words.first, words.dropFirst().first) {
        case ("cancelled", _): return .cancelled
        case ("asked", let server?):
            if case .pool = queue { await wake([server]) }
            return .asked(server: server)
        case ("over", let state?): return .over(JobState(rawValue: state) ?? .done)
        default: return .unknown
        }
    }

    public func retry(_ id: String, on queue: RunQueue) async throws(StoreError) -> Bool {
        let reply = try await call(Scripts.retryRun, runs: queue, [.string(id)]).array ?? []
        await wake((reply.last?.array ?? []).compactMap(\.string))
        return reply.first?.int == 1
    }

    public func purge(_ ids: [String]?, on queue: RunQueue) async throws(StoreError) -> Int {
        var total = 0
        if let ids {
            for start in stride(from: 0, to: ids.count, by: RunBounds.largestBatch) {
                let part = ids[start..<min(start + RunBounds.largestBatch, ids.count)]
                total += try await call(Scripts.purgeRuns, runs: queue, ["0"] + part.map { .string($0) }).int ?? 0
            }
            return total
        }
        while true {
            let count = try await call(Scripts.purgeRuns, runs: queue, [.int(RunBounds.largestBatch)]).int ?? 0
            total += count
            if count < RunBounds.largestBatch { return total }
        }
    }

    // MARK: pools

    public func join(_ pool: Pool, servers: [String]) async throws(StoreError) {
        guard !servers.isEmpty else { return }
        try await tell(servers, of: pool)
        for start in stride(from: 0, to: servers.count, by: RunBounds.largestBatch) {
            let part = servers[start..<min(start + RunBounds.largestBatch, servers.count)]
            _ = try await read(RedisCommand("SADD", key: keys.members(pool), part.map { .string($0) }))
        }
        // One that left at the same moment may have been taken off its list in between.
        try await tell(servers, of: pool)
    }

    /// Puts the pool on the lists of these servers.
    private func tell(_ servers: [String], of pool: Pool) async throws(StoreError) {
        let calls = servers.map { server in
            RedisScriptCall(
                Scripts.joinPool, keys: [keys.pools(ofServer: server), keys.wake(server)],
                [.string(pool.name), .int(Pool.mostOfOneServer)])
        }
        for (server, result) in zip(servers, await client.scripts(calls)) {
            let hasJoined: Bool
            do throws(RedisError) { hasJoined = try result.get().int == 1 } catch {
                throw StoreError(error, isWrite: true)
            }
            guard hasJoined else { throw .tooLarge(Pool.full(server)) }
        }
    }

    public func members(of pool: Pool) async throws(StoreError) -> [String] {
        let reply = try await read(RedisCommand("SMEMBERS", key: keys.members(pool)))
        return (reply.array ?? []).compactMap(\.string).sorted()
    }

    public func pools() async throws(StoreError) -> [Pool] {
        let commands = (0..<StoreLayout.shards).map { RedisCommand("SMEMBERS", key: keys.pools($0)) }
        let names = try await values(of: commands).flatMap { $0.array ?? [] }.compactMap(\.string)
        return names.compactMap { Pool($0) }.sorted { $0.name < $1.name }
    }
}
