// How far each Schedule has come. Only the leader writes it, so the fence is all the order that it needs.

public import Model

public protocol ScheduleStore: Sendable {
    func scheduleState(_ name: String) async throws(StoreError) -> ScheduleState?
    /// Goes with its Schedule, when that is deleted.
    func writeScheduleState(_ state: ScheduleState, of name: String, lease: Lease) async throws(StoreError)
    /// The values of one field of the monitor hashes, in the order of `servers`; nil where a server has none or is silent.
    func measurements(_ metric: String, of servers: [String]) async throws(StoreError) -> [Double?]
}
