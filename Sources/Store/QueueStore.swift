// The queues as people and the controller see them.

public import Model

public protocol QueueStore: Sendable {
    /// Jobs of one server, newest first: open ones and a bounded number of ended ones.
    func jobs(server: String, limit: Int) async throws(StoreError) -> [JobRecord]
    func job(server: String, id: String) async throws(StoreError) -> JobRecord?
    /// An unfenced job that changes nothing (`JobKind.observe`).
    func enqueueObserve(_ job: Job) async throws(StoreError)
    /// Takes back a job that has not started. Returns whether it did.
    func cancel(server: String, id: String) async throws(StoreError) -> Bool
    /// Ends the wait before an instance's next round, or before its job's next attempt. Returns whether there was one.
    func retry(_ id: InstanceID) async throws(StoreError) -> Bool
}

/// How much is kept of ended jobs and of each output.
public enum QueueBounds {
    public static let endedJobsKept = 100
    public static let outputBytes = 16_384
    /// Bytes of a job's JSON on the queue.
    public static let jobBytes = 8 << 20
}
