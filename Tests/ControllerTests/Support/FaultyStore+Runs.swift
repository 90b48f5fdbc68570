// The queues of runs and the states of schedules, behind the same faults.

import Model
import Store

extension FaultyStore: RunStore, ScheduleStore {
    func enqueue(
        _ jobs: [RunJob], on queue: RunQueue, delay: Duration?, notBefore: Timestamp?, lease: Lease?
    ) async throws(StoreError) -> [Enqueued] {
        try await call { base throws(StoreError) in
            try await base.enqueue(jobs, on: queue, delay: delay, notBefore: notBefore, lease: lease)
        }
    }

    func turn(_ turn: RunTurn) async throws(StoreError) -> RunTurnReply {
        try await call { base throws(StoreError) in try await base.turn(turn) }
    }

    func appendOutput(
        _ chunks: [String], of id: String, on queue: RunQueue, token: String
    ) async throws(StoreError) {
        try await call { base throws(StoreError) in
            try await base.appendOutput(chunks, of: id, on: queue, token: token)
        }
    }

    func runs(on queue: RunQueue, limit: Int) async throws(StoreError) -> [RunRecord] {
        try await call { base throws(StoreError) in try await base.runs(on: queue, limit: limit) }
    }

    func runs(_ ids: [String], on queue: RunQueue) async throws(StoreError) -> [RunRecord?] {
        try await call { base throws(StoreError) in try await base.runs(ids, on: queue) }
    }

    func output(of id: String, on queue: RunQueue, after cursor: String?) async throws(StoreError) -> RunOutput {
        try await call { base throws(StoreError) in try await base.output(of: id, on: queue, after: cursor) }
    }

    func cancel(_ id: String, on queue: RunQueue, lease: Lease?) async throws(StoreError) -> RunCancellation {
        try await call { base throws(StoreError) in try await base.cancel(id, on: queue, lease: lease) }
    }

    func retry(_ id: String, on queue: RunQueue) async throws(StoreError) -> Bool {
        try await call { base throws(StoreError) in try await base.retry(id, on: queue) }
    }

    func purge(_ ids: [String]?, on queue: RunQueue) async throws(StoreError) -> Int {
        try await call { base throws(StoreError) in try await base.purge(ids, on: queue) }
    }

    func join(_ pool: Pool, servers: [String]) async throws(StoreError) {
        try await call { base throws(StoreError) in try await base.join(pool, servers: servers) }
    }

    func leave(_ pool: Pool, server: String) async throws(StoreError) {
        try await call { base throws(StoreError) in try await base.leave(pool, server: server) }
    }

    func members(of pool: Pool) async throws(StoreError) -> [String] {
        try await call { base throws(StoreError) in try await base.members(of: pool) }
    }

    func pools() async throws(StoreError) -> [Pool] {
        try await call { base throws(StoreError) in try await base.pools() }
    }

    func scheduleState(_ name: String) async throws(StoreError) -> ScheduleState? {
        try await call { base throws(StoreError) in try await base.scheduleState(name) }
    }

    func writeScheduleStates(_ states: [String: ScheduleState], lease: Lease) async throws(StoreError) {
        try await call { base throws(StoreError) in try await base.writeScheduleStates(states, lease: lease) }
    }

    func measurements(
        _ metric: String, of servers: [String], collectors: [String: String]
    ) async throws(StoreError) -> Measured {
        try await call { base throws(StoreError) in
            try await base.measurements(metric, of: servers, collectors: collectors)
        }
    }
}
