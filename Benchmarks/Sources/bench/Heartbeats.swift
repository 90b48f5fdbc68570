// The fleet that lives beside what is measured: every server of a population reports a changed measurement in each interval,
// as its agent would.

import Model
import Store

enum Heartbeats {
    /// The interval at which an agent reports unless its manifest says otherwise.
    private static let interval: Duration = .seconds(5)
    /// Reports are sent in this many portions of an interval.
    private static let portions = 1000

    /// Runs a body while every server reports.
    static func with<Value: Sendable>(
        _ servers: [String], _ store: any OperationsStore, _ body: () async throws -> Value
    ) async throws -> Value {
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await report(servers, store) }
            let value = try await body()
            group.cancelAll()
            return value
        }
    }

    private static func report(_ servers: [String], _ store: any OperationsStore) async throws {
        let clock = ContinuousClock()
        var round = 0
        while !Task.isCancelled {
            let started = clock.now
            for portion in 0..<portions {
                await withTaskGroup(of: Void.self) { group in
                    for index in stride(from: portion, to: servers.count, by: portions) {
                        let values = ["cpu": "\((round + index) % 100)"]
                        let report = ServerReport(server: servers[index], values: values, full: false)
                        group.addTask { _ = try? await store.report(report) }
                    }
                }
                try? await clock.sleep(until: started + interval * (portion + 1) / portions)
                if Task.isCancelled { return }
            }
            round += 1
        }
    }
}
