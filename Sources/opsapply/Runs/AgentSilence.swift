// Why a job does not go on, where the cause is an agent that says nothing.

internal import Manifests
internal import Model
internal import Output
internal import Store

struct AgentSilence {
    let store: any OperationsStore
    let now: Timestamp

    /// Of open jobs, by reference: what is to be said of those whose agent is silent, or that no agent can take.
    func reasons(for records: [RunRecord]) async throws -> [String: String] {
        let waiting = records.filter { $0.state == .ready || $0.state == .active }
        guard !waiting.isEmpty else { return [:] }
        var takers: [RunQueue: [String]] = [:]
        for case .pool(let pool) in Set(waiting.map(\.queue)) {
            takers[.pool(pool)] = try await store.members(of: pool).sorted()
        }
        let involved = Dictionary(
            waiting.map { ($0.reference, Self.servers(of: $0, takers)) }, uniquingKeysWith: { first, _ in first })
        let silences = try await silences(of: Set(involved.values.joined()).sorted())
        var reasons: [String: String] = [:]
        for record in waiting {
            let servers = involved[record.reference] ?? []
            guard servers.allSatisfy({ silences[$0] != nil }) else { continue }
            let begun = record.state == .active ? "" : "has not begun: "
            reasons[record.reference] = begun + Self.text(record, servers, silences)
        }
        return reasons
    }

    /// Whoever can take it, or has.
    private static func servers(of record: RunRecord, _ takers: [RunQueue: [String]]) -> [String] {
        if record.state == .active, let server = record.server { return [server] }
        if case .server(let name) = record.queue { return [name] }
        return takers[record.queue] ?? []
    }

    private static func text(_ record: RunRecord, _ servers: [String], _ silences: [String: Silence]) -> String {
        guard let first = servers.first else { return "no server takes from its pool" }
        guard servers.count == 1, let silence = silences[first] else {
            return "no word from any agent of its pool, \(listed(servers, limit: 3))"
        }
        let whose = record.queue == .server(first) ? "its agent" : "the agent of \(first)"
        switch silence {
        case .always: return "\(whose) has never reported"
        case .lasting(let time): return "no word from \(whose) for \(time.age)"
        }
    }

    private enum Silence: Sendable {
        case always
        case lasting(Duration)
    }

    /// Only of those that are silent, by what their Server says of how often they report.
    private func silences(of servers: [String]) async throws -> [String: Silence] {
        guard !servers.isEmpty else { return [:] }
        let store = store
        let declared = try await store.onEach(servers) { name throws(StoreError) in
            try await store.resource(ResourceKey(.server, name))
        }
        let observed = Dictionary(
            try await store.observedServers(servers).map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first })
        var silences: [String: Silence] = [:]
        for (name, resource) in zip(servers, declared) {
            // What never reported is not among the observed.
            guard let observed = observed[name], let last = observed.reportedAt else {
                silences[name] = .always
                continue
            }
            let spec = resource.flatMap { try? Desired.read($0).manifest.server }
            if observed.isStale(every: spec?.monitor.every ?? MonitorSpec().every, at: now) {
                silences[name] = .lasting(now - last)
            }
        }
        return silences
    }
}
