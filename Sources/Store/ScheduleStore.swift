// How far each Schedule has come. Only the leader writes it, so the fence is all the order that it needs.

public import Model

public protocol ScheduleStore: Sendable {
    func scheduleState(_ name: String) async throws(StoreError) -> ScheduleState?
    /// By name; each goes with its Schedule, when that is deleted. After an error any of them may be written.
    func writeScheduleStates(_ states: [String: ScheduleState], lease: Lease) async throws(StoreError)
    /// The values of one field of the monitor hashes, in the order of `servers`; nil where a server has none or is silent.
    /// - Parameter collectors: by server, the hash that another collector writes in place of its agent. Nobody says when, so
    ///   what is in it counts. One that may not be read has no value, and `unread` says why.
    func measurements(
        _ metric: String, of servers: [String], collectors: [String: String]
    ) async throws(StoreError) -> Measured
}

/// What the monitor hashes of servers say, in their order.
public struct Measured: Sendable, Hashable {
    public var values: [Double?]
    /// The first that may not be read, and why: a person has to mend it.
    public var unread: String?

    public init(values: [Double?], unread: String? = nil) {
        self.values = values
        self.unread = unread
    }
}
