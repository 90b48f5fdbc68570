// The queues of runs: what executors do on them.

internal import Manifests
public import Model
internal import Redis
public import Store

extension RedisStore: RunQueueStore {
    /// A script on one queue's keys.
    func call(
        _ script: RedisScript, runs queue: RunQueue, _ arguments: [RedisArgument], isWrite: Bool = true,
        byExecutor: Bool = false
    ) async throws(StoreError) -> RedisValue {
        let own: [RedisArgument] =
            switch queue {
            case .server(let name): [.string(keys.runs(queue)), "server", .string(name)]
            case .pool(let pool): [.string(keys.runs(queue)), "pool", .string(pool.name)]
            }
        return try await call(
            script, keys: keys.runKeys(queue, forExecutor: byExecutor), own + arguments, isWrite: isWrite)
    }

    public func turn(_ turn: RunTurn) async throws(StoreError) -> RunTurnReply {
        let reply: [RedisValue]
        do throws(StoreError) {
            reply = try await call(Scripts.turnRuns, runs: turn.queue, turn.arguments, byExecutor: true).array ?? []
        } catch {
            throw await mend(turn.queue, after: error)
        }
        let key = keys.runs(turn.queue) + "jobs"
        guard reply.count >= 7, let now = reply[0].int, let due = reply[1].int else {
            throw .corrupt(key: key, "the turn answered with something unknown")
        }
        var answer = RunTurnReply(now: Timestamp(milliseconds: Int64(now)))
        answer.nextDueAt = due > 0 ? Timestamp(milliseconds: Int64(due)) : nil
        answer.cancelled = (reply[2].array ?? []).compactMap(\.string)
        answer.lost = (reply[3].array ?? []).compactMap(\.string)
        answer.pools = (reply[4].array ?? []).compactMap { $0.string.flatMap { Pool($0) } }
        answer.labels = reply[5].string.flatMap { LabelLines.labels($0) }
        answer.holder = AgentHolder(reply[6])
        answer.epoch = Int64(reply[6].int ?? 0)
        answer.claims.reserveCapacity((reply.count - 7) / 3)
        for index in stride(from: 7, to: reply.count - 2, by: 3) {
            let id = reply[index].string ?? ""
            do throws(StoreError) {
                let body = try RunBody(reply[index + 1].bytes ?? [], in: key)
                answer.claims.append(
                    RunClaim(
                        queue: turn.queue, job: body.job, enqueuedAt: body.enqueuedAt,
                        attempt: reply[index + 2].int ?? 0, token: turn.token))
            } catch {
                answer.unreadable.append(await bury(id, turn, "\(error)"))
            }
        }
        return answer
    }

    /// A key that holds another type than it should would be in the way for ever: it goes, and the next turn works. Returns
    /// what is to be said.
    private func mend(_ queue: RunQueue, after error: StoreError) async -> StoreError {
        guard case .corrupt = error, let reply = try? await call(Scripts.mendRuns, runs: queue, [], byExecutor: true)
        else { return error }
        let removed = (reply.array ?? []).compactMap(\.string)
        if removed.isEmpty { return error }
        return .corrupt(key: removed.joined(separator: ", "), "another type than it should be: it was removed")
    }

    /// Ends a job that nobody can read; returns why. If even that fails, its lease ends and it comes again.
    private func bury(_ id: String, _ turn: RunTurn, _ why: String) async -> String {
        var end = RunTurn(queue: turn.queue, server: turn.server, token: turn.token, limit: 0, lease: turn.lease)
        end.completions = [RunCompletion(id: id, token: turn.token, result: .dead(error: why))]
        _ = try? await call(Scripts.turnRuns, runs: turn.queue, end.arguments, byExecutor: true)
        return "\(id): \(why)"
    }

    public func appendOutput(
        _ chunks: [String], of id: String, on queue: RunQueue, token: String
    ) async throws(StoreError) {
        guard !chunks.isEmpty else { return }
        let arguments: [RedisArgument] = [.string(id), .string(token)] + chunks.map { .string($0) }
        _ = try await call(Scripts.appendRunOutput, runs: queue, arguments, byExecutor: true)
    }

    public func leave(_ pool: Pool, server: String) async throws(StoreError) {
        _ = try await call(Scripts.leavePool, runs: .pool(pool), [.string(server)], byExecutor: true)
        let own = keys.pools(ofServer: server)
        _ = try await read(RedisCommand("SREM", key: own, [.string(pool.name)]))
        // The two lists are in different shards: who made it a member again in between counts on it.
        let isMember = try await read(RedisCommand("SISMEMBER", key: keys.members(pool), [.string(server)])).int == 1
        if isMember { _ = try await read(RedisCommand("SADD", key: own, [.string(pool.name)])) }
    }
}

extension RunTurn {
    /// As `turnRuns.lua` is given it.
    var arguments: [RedisArgument] {
        var arguments: [RedisArgument] = [
            .string(server), .string(token), .int(Int(lease.wholeMilliseconds)),
            .int(min(max(0, limit), RunBounds.largestBatch)), isBoot ? "1" : "0", isRepeat ? "1" : "0",
            .string(agent?.id ?? ""), .string(agent?.place ?? ""), .string(String(epoch)), .int(completions.count),
        ]
        arguments.reserveCapacity(arguments.count + 6 * completions.count + 2 * heartbeats.count + 1)
        for completion in completions { arguments += completion.arguments }
        arguments.append(.int(heartbeats.count))
        for attempt in heartbeats { arguments += [.string(attempt.id), .string(attempt.token)] }
        return arguments
    }
}

extension RunCompletion {
    fileprivate var arguments: [RedisArgument] {
        var (word, error, wait) = ("done", "", Duration.zero)
        switch result {
        case .done: break
        case .cancelled: word = "cancelled"
        case .dead(let why): (word, error) = ("dead", why)
        case .failed(let why, let after): (word, error, wait) = ("failed", why, max(.zero, after))
        }
        return [
            .string(id), .string(token), .string(word), .string(StoreBounds.bounded(error: error)),
            .int(Int(wait.wholeMilliseconds)), exitCode.map { .int($0) } ?? "",
        ]
    }
}
