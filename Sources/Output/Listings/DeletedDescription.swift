// `describe` of a deleted resource: what is left of it, and which server that waits for.

package import JSON
package import Model
package import Store

package struct DeletedDescription: Sendable {
    private let tombstone: Tombstone
    private let instances: [InstanceSnapshot]
    private let lastReports: [String: Timestamp]

    package init(tombstone: Tombstone, instances: [InstanceSnapshot], servers: [ObservedServer]) {
        self.tombstone = tombstone
        self.instances = instances
        lastReports = servers.reduce(into: [:]) { $0[$1.name] = $1.reportedAt }
    }

    package func text(now: Timestamp, _ paint: Paint) -> String {
        var table = Table([
            Column("INSTANCE"), Column("PHASE"), Column("SERVER REPORTED", .right), Column("WAITS FOR", least: 8),
        ])
        for instance in instances {
            let control = instance.control
            table.add([
                Cell(instance.id.description), Cell(control?.phase.rawValue ?? "-", control?.phase.meaning),
                Cell(lastReports[instance.id.server].map { "\((now - $0).age) ago" } ?? "never"),
                Cell(control?.message ?? ""),
            ])
        }
        let facts = Facts(cells: [
            ("Name", Cell(tombstone.key.description, .strong)),
            ("State", Cell("Deleted: \(counted(instances.count, "instance")) not removed yet", .warning)),
            (
                "Deleted",
                Cell(
                    "\(tombstone.deletedAt.rfc3339) (\((now - tombstone.deletedAt).age) ago) by \(tombstone.deletedBy)")
            ),
        ])
        return facts.text(paint) + "\n" + table.text(paint)
    }

    package var document: JSONValue {
        [
            "kind": .string(tombstone.key.kind.rawValue), "name": .string(tombstone.key.name), "state": "Deleted",
            "deletedBy": .string(tombstone.deletedBy), "deletedAt": .string(tombstone.deletedAt.rfc3339),
            "instances": .array(
                instances.map { instance in
                    var document = InstanceListing.document(instance)
                    document["serverReportedAt"] = lastReports[instance.id.server].map { .string($0.rfc3339) } ?? .null
                    return document
                }),
        ]
    }
}
