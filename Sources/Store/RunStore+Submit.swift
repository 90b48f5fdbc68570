// A planned run goes onto its queues: many servers, a shard and a script each, a bounded number under way at once.

public import Model

extension RunStore {
    /// Queues that are written to, or read, at the same time.
    package static var mostAtOnce: Int { 256 }

    /// Enqueues the jobs of a run, each on its queue, and lets servers know of pools that they were not told of. Safe to
    /// repeat: what is there already is answered with what became of it. Stops at the first error.
    public func submit(
        _ jobs: [(queue: RunQueue, jobs: [RunJob])], members: [Pool: [String]] = [:], delay: Duration? = nil,
        notBefore: Timestamp? = nil, lease: Lease? = nil
    ) async throws(StoreError) -> [RunQueue: [Enqueued]] {
        try await join(members)
        let answers = try await onEach(jobs) { entry throws(StoreError) in
            try await self.enqueue(entry.jobs, on: entry.queue, delay: delay, notBefore: notBefore, lease: lease)
        }
        // One that left just before has not seen what was enqueued; one that leaves from now on looks once more.
        try await join(members)
        return Dictionary(uniqueKeysWithValues: zip(jobs.map(\.queue), answers))
    }

    private func join(_ members: [Pool: [String]]) async throws(StoreError) {
        _ = try await onEach(Array(members)) { pool, servers throws(StoreError) in
            let known = Set(try await self.members(of: pool))
            try await self.join(pool, servers: servers.filter { !known.contains($0) })
        }
    }

    /// Does the same with each, at most `mostAtOnce` at a time; the results in their order.
    package func onEach<Element: Sendable, Value: Sendable>(
        _ elements: [Element], _ body: @escaping @Sendable (Element) async throws(StoreError) -> Value
    ) async throws(StoreError) -> [Value] {
        var values: [Value] = []
        values.reserveCapacity(elements.count)
        for start in stride(from: 0, to: elements.count, by: Self.mostAtOnce) {
            let part = elements[start..<min(start + Self.mostAtOnce, elements.count)]
            let results = await withTaskGroup(of: (Int, Result<Value, StoreError>).self) { group in
                for (index, element) in part.enumerated() {
                    group.addTask {
                        do throws(StoreError) { return (index, .success(try await body(element))) } catch {
                            return (index, .failure(error))
                        }
                    }
                }
                var results: [Result<Value, StoreError>?] = Array(repeating: nil, count: part.count)
                for await (index, result) in group { results[index] = result }
                return results.compactMap { $0 }
            }
            for result in results { values.append(try result.get()) }
        }
        return values
    }
}
