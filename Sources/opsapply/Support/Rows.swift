// Reading what listings show: resources with their status, and of servers their last report.

internal import Manifests
internal import Model
internal import Output
internal import Store

enum Rows {
    static func of(_ resources: [StoredResource], in store: any OperationsStore) async throws -> [ResourceRow] {
        var rows: [ResourceRow] = []
        for resource in resources.sorted(by: { $0.key < $1.key }) {
            rows.append(try await row(resource, in: store))
        }
        return rows
    }

    static func row(_ resource: StoredResource, in store: any OperationsStore) async throws -> ResourceRow {
        var row = ResourceRow(resource: resource, status: try await store.status(resource.key))
        guard resource.key.kind == .server else { return row }
        row.observed = try await store.observedServer(resource.key.name)
        let spec = (try? Desired.read(resource))?.manifest.server
        row.address = spec?.address
        row.interval = spec?.monitor.every
        return row
    }
}
