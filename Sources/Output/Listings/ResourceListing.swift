// `get apps`, `get servers` and `get resources`: the tables, and the documents for programs.

package import JSON
internal import Manifests
package import Model
package import Store

/// A resource with its status, as the store has them.
package struct ResourceRow: Sendable, Hashable {
    package var resource: StoredResource
    package var status: ResourceStatus?
    /// The monitor hash, of a Server.
    package var observed: ObservedServer?
    /// Of a Server: its address, and its report interval, by which its last report is judged.
    package var address: String?
    package var interval: Duration?
    /// Another collector's hash stands for the agent's (`spec.monitor.hash`): it has values, and no time of a report.
    package var isCollected = false
    /// Of a Server: how many instances are on it, where that was counted.
    package var instances: Int?
    /// Of a Schedule that can be read.
    package var schedule: ScheduleFacts?

    package init(
        resource: StoredResource, status: ResourceStatus?, observed: ObservedServer? = nil, address: String? = nil,
        interval: Duration? = nil, instances: Int? = nil
    ) {
        self.resource = resource
        self.status = status
        self.observed = observed
        self.address = address
        self.interval = interval
        self.instances = instances
    }

    var word: StatusWord {
        resource.problem.map { StatusWord(unreadable: $0) } ?? schedule.map { StatusWord($0) }
            ?? StatusWord(status, generation: resource.generation)
    }
}

package enum ResourceListing {
    package static func apps(_ rows: [ResourceRow], now: Timestamp) -> Table {
        var table = Table([
            Column("NAME"), Column("READY", .right), Column("GENERATION", .right), Column("OBSERVED", .right),
            Column("STATUS"), Column("SINCE", .right), Column("MESSAGE", least: 8),
        ])
        for row in rows {
            let word = row.word
            table.add([
                Cell(row.resource.key.name), Cell(row.status?.readyText ?? "-"), "\(row.resource.generation)",
                Cell(row.status.map { "\($0.observedGeneration)" } ?? "-"), word.cell,
                Cell(word.since.map { (now - $0).age } ?? "-"), Cell(word.text == "Ready" ? "" : word.message),
            ])
        }
        return table
    }

    package static func servers(_ rows: [ResourceRow], now: Timestamp) -> Table {
        let measures = [
            ("cpu", "CPU %"), ("mem", "MEM %"), ("disk", "DISK %"), ("network", "NET kB/s"), ("load", "LOAD"),
        ]
        var table = Table(
            [Column("NAME"), Column("ADDRESS", least: 9), Column("STATUS"), Column("REPORTED", .right)]
                + measures.map { Column($0.1, .right, least: 4) } + [Column("INSTANCES", .right)])
        for row in rows {
            let measured = measures.map { Cell(row.observed?.values[$0.0] ?? "-") }
            table.add(
                [Cell(row.resource.key.name), Cell(row.address ?? "-"), reporting(row, now: now)]
                    + [Cell(row.observed?.reportedAt.map { (now - $0).age } ?? "-")] + measured
                    + [Cell(row.instances.map { "\($0)" } ?? "-")])
        }
        return table
    }

    /// A server's state comes from its reports first: what a silent one said last is not true any more.
    private static func reporting(_ row: ResourceRow, now: Timestamp) -> Cell {
        if row.resource.problem != nil { return row.word.cell }
        if row.isCollected, let observed = row.observed {
            return observed.values.isEmpty ? Cell("NoHash", .warning) : row.word.cell
        }
        guard let observed = row.observed, observed.reportedAt != nil else { return Cell("NoAgent", .warning) }
        if observed.isStale(every: row.interval ?? MonitorSpec().every, at: now) { return Cell("Stale", .warning) }
        return row.word.cell
    }

    package static func resources(_ rows: [ResourceRow], now: Timestamp) -> Table {
        var table = Table([
            Column("KIND"), Column("NAME"), Column("GENERATION", .right), Column("STATUS"),
            Column("APPLIED BY", least: 8),
            Column("APPLIED", .right),
        ])
        for row in rows {
            table.add([
                Cell(row.resource.key.kind.rawValue), Cell(row.resource.key.name), "\(row.resource.generation)",
                row.word.cell, Cell(row.resource.appliedBy), Cell((now - row.resource.appliedAt).age),
            ])
        }
        return table
    }

    package static func document(_ row: ResourceRow, now: Timestamp) -> JSONValue {
        var document = row.resource.document
        document["status"] = row.status?.json ?? .null
        document["state"] = .string(row.word.text)
        if let schedule = row.schedule { document["schedule"] = schedule.document }
        if let observed = row.observed { document["observed"] = observed.json }
        if row.resource.key.kind == .server {
            document["address"] = row.address.map { .string($0) } ?? .null
            document["root"] = row.observed?.root.map { .string($0) } ?? .null
            document["reportedAt"] = row.observed?.reportedAt.map { .string($0.rfc3339) } ?? .null
            let stale = row.observed.map { $0.isStale(every: row.interval ?? MonitorSpec().every, at: now) } ?? true
            document["stale"] = .bool(stale && !row.isCollected)
        }
        return document
    }
}

extension StoredResource {
    /// The desired hash as a document; a manifest that cannot be read is given as its text.
    package var document: JSONValue {
        [
            "kind": .string(key.kind.rawValue), "name": .string(key.name), "generation": .int(generation),
            "digest": .string(digest), "manifest": (try? JSONValue.parse(manifest)) ?? .string(manifest),
            "config": .object(config.mapValues { .string($0) }), "appliedBy": .string(appliedBy),
            "appliedAt": .string(appliedAt.rfc3339),
            "removalConfirmedGeneration": removalConfirmedGeneration.map { .int($0) } ?? .null,
        ]
    }
}
