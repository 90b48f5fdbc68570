// Bulk reads by key: on one server as one run; on a cluster, one run for each server, and again for the keys that moved.

extension RedisClient {
    /// Sends one command for each key, and folds the replies into a state on the event loop where they are parsed.
    /// `make` appends exactly one command, which must not change anything; `handle` sees the key's index and its reply,
    /// in the order of the keys on one server, in any order on a cluster. Error replies are handed over like any other.
    public func forEachReply<State: Sendable>(
        keys: [String], into state: State, deadline: Duration,
        make: @escaping @Sendable (_ key: String, inout RedisCommandBuffer) -> Void,
        handle: @escaping @Sendable (inout State, Int, borrowing RedisReplyView) -> Void
    ) async throws(RedisError) -> State {
        var progress = BulkProgress(state: state)
        var remaining = Array(keys.indices)
        for attempt in 0..<Attempts.maximum {
            for (connection, indices) in try await connections(for: keys, at: remaining) {
                progress = try await connection.forEachReply(of: indices.count, into: progress, deadline: deadline) {
                    make(keys[indices[$0]], &$1)
                } handle: { progress, position, reply in
                    let index = indices[position]
                    if reply.kind == .error, let text = reply.error, RedisError.reply(text).isForAnotherServer {
                        progress.moved.append(index)
                    } else {
                        handle(&progress.state, index, reply)
                    }
                }
            }
            if progress.moved.isEmpty { return progress.state }
            remaining = progress.moved
            progress.moved = []
            // One command, sent with all its remedies, corrects the map; the next round uses it.
            for index in Set(remaining.prefix(Self.probesPerRound)) {
                _ = try? await send(RedisCommand("EXISTS", key: keys[index]))
            }
            await Attempts.pause(attempt)
        }
        throw .noPrimary("\(remaining.count) keys kept moving between servers")
    }

    /// How many moved keys are looked up by themselves before a bulk read goes on.
    private static var probesPerRound: Int { 64 }

    private func connections(
        for keys: [String], at indices: [Int]
    ) async throws(RedisError) -> [(RedisConnection, [Int])] {
        if case .cluster = url.target {
            var failures = [Result<RedisValue, RedisError>](repeating: .success(.null), count: indices.count)
            let groups = await connections(for: indices.map { keys[$0] }, failures: &failures)
            for failure in failures { _ = try failure.get() }
            return groups.map { ($0.0, $0.1.map { indices[$0] }) }
        }
        return [(try await topology.connection(for: nil), indices)]
    }
}

private struct BulkProgress<State: Sendable>: Sendable {
    var state: State
    var moved: [Int] = []
}
