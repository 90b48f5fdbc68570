// The executable specification of the store: one actor over plain values. The conformance suite holds `RedisStore` to it,
// so whatever runs over this one in a test or a simulation runs over Redis.
//
// Assumptions: the clock that is handed in never goes back.

public import Model

public actor InMemoryStore {
    var state = InMemoryState()
    private let clock: @Sendable () -> Timestamp
    private var outage: StoreError?
    private var readers: [Int: AsyncStream<Int>.Continuation] = [:]
    private var waiters: [Int: (server: String, continuation: CheckedContinuation<Bool, Never>)] = [:]
    /// Waiters whose time was over before they were parked.
    private var overdue: Set<Int> = []
    private var lastNumber = 0
    private let openedAt = ContinuousClock.now

    public init(clock: @escaping @Sendable () -> Timestamp) {
        self.clock = clock
    }

    /// The time since the store was made stands for the age of a connection.
    public func connectionAge() -> Duration { ContinuousClock.now - openedAt }

    // MARK: what a test does to it

    /// From now on every operation throws this; nil ends the outage.
    public func setOutage(_ error: StoreError?) { outage = error }

    /// What FLUSHALL does to Redis.
    public func loseEverything() {
        var empty = InMemoryState()
        empty.presences = state.presences
        empty.lastPosition = state.lastPosition
        state = empty
    }

    /// What HSET of a `config:` entry by hand does; nil removes the entry.
    public func editConfig(of key: ResourceKey, _ name: String, to value: String?) {
        state[resource: key]?.stored.config[name] = value
    }

    // MARK: running an operation

    /// Runs one operation at the present time, then tells those who wait for what it wrote.
    func run<Value: Sendable>(
        _ operation: (inout InMemoryState, Timestamp) throws(StoreError) -> Value
    ) throws(StoreError) -> Value {
        if let outage { throw outage }
        defer { tell() }
        return try operation(&state, clock())
    }

    private func tell() {
        for shard in state.hints { for reader in readers.values { reader.yield(shard) } }
        state.hints.removeAll()
        for (number, waiter) in waiters where state.wakes.contains(waiter.server) {
            state.wakes.remove(waiter.server)
            waiters[number] = nil
            waiter.continuation.resume(returning: true)
        }
    }

    public func hints() throws(StoreError) -> AsyncStream<Int> {
        if let outage { throw outage }
        lastNumber += 1
        let number = lastNumber
        let (stream, continuation) = AsyncStream<Int>.makeStream(
            bufferingPolicy: .bufferingNewest(StoreBounds.waitingHints))
        readers[number] = continuation
        continuation.onTermination = { [weak self] _ in Task { await self?.forget(reader: number) } }
        return stream
    }

    private func forget(reader number: Int) { readers[number] = nil }

    // MARK: waiting for work

    public func waitForWork(server: String, timeout: Duration) async throws(StoreError) -> Bool {
        if let outage { throw outage }
        if state.wakes.remove(server) != nil { return true }
        lastNumber += 1
        let number = lastNumber
        return await withTaskGroup(of: Bool.self) { group in
            group.addTask { await self.park(number, server: server) }
            group.addTask {
                try? await Task.sleep(for: timeout)
                await self.release(number)
                return false
            }
            let wasWoken = await group.next() ?? false
            group.cancelAll()
            let isWoken = await group.next() ?? false
            overdue.remove(number)
            return wasWoken || isWoken
        }
    }

    private func park(_ number: Int, server: String) async -> Bool {
        if state.wakes.remove(server) != nil { return true }
        if overdue.contains(number) { return false }
        return await withCheckedContinuation { waiters[number] = (server, $0) }
    }

    /// The time of a waiter is over, or its task was cancelled.
    private func release(_ number: Int) {
        overdue.insert(number)
        waiters.removeValue(forKey: number)?.continuation.resume(returning: false)
    }
}
