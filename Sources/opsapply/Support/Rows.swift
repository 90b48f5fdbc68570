// Reading what listings show: resources with their status, and of servers their last report.

internal import Manifests
internal import Model
internal import Output
internal import Store

enum Rows {
    /// Rows that are read at the same time: their commands share round trips.
    private static let together = 64

    static func of(
        _ resources: [StoredResource], in store: any OperationsStore, at now: Timestamp
    ) async throws -> [ResourceRow] {
        let sorted = resources.sorted { $0.key < $1.key }
        var rows: [ResourceRow] = []
        for start in stride(from: 0, to: sorted.count, by: together) {
            let part = sorted[start..<min(start + together, sorted.count)]
            rows += try await withThrowingTaskGroup(of: ResourceRow.self) { group in
                for resource in part { group.addTask { try await row(resource, in: store, at: now) } }
                return try await group.reduce(into: []) { $0.append($1) }
            }
        }
        return rows.sorted { $0.resource.key < $1.resource.key }
    }

    /// What could not be read was shown as that; it is named, and the exit code says that something is missing.
    static func failOnDamaged(_ resources: [StoredResource]) throws(CommandFailure) {
        var lines: [String] = []
        for resource in resources.sorted(by: { $0.key < $1.key }) {
            do throws(CommandFailure) { _ = try Desired.read(resource) } catch { lines += error.lines }
        }
        if !lines.isEmpty { throw CommandFailure(lines) }
    }

    static func row(
        _ resource: StoredResource, in store: any OperationsStore, at now: Timestamp
    ) async throws -> ResourceRow {
        var row = ResourceRow(resource: resource, status: try await store.status(resource.key))
        do throws(CommandFailure) { _ = try Desired.read(resource) } catch {
            row.resource.problem = error.lines.joined(separator: "; ")
        }
        if resource.key.kind == .schedule, let spec = (try? Desired.read(resource))?.manifest.schedule {
            var state: ScheduleState?
            do throws(StoreError) { state = try await store.scheduleState(resource.key.name) } catch {
                // One that cannot be read hides no other; the leader begins it anew.
                guard case .corrupt = error else { throw error }
                row.resource.problem = "how far it has come: \(error)"
            }
            row.schedule = ScheduleFacts(spec, state: state, now: now)
        }
        guard resource.key.kind == .server else { return row }
        row.observed = try await store.observedServer(resource.key.name)
        let spec = (try? Desired.read(resource))?.manifest.server
        row.address = spec?.address
        row.interval = spec?.monitor.every
        if let hash = spec?.monitor.hash {
            row.isCollected = true
            row.observed = ObservedServer(
                name: resource.key.name, revision: 0, reportedAt: nil, values: try await store.collectorHash(hash))
        }
        return row
    }
}
