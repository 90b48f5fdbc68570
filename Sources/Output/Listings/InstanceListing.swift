// `get instances` and `describe webapp@server1`.

package import JSON
internal import Manifests
package import Model
internal import Reconcilers
package import Store

package enum InstanceListing {
    package static func table(_ snapshots: [InstanceSnapshot], now: Timestamp) -> Table {
        var table = Table([
            Column("INSTANCE"), Column("PHASE"), Column("GENERATION", .right), Column("DRIFT", .right),
            Column("REPORTED", .right), Column("MESSAGE", least: 8),
        ])
        for snapshot in snapshots {
            let phase = snapshot.control?.phase ?? .unknown
            table.add([
                Cell(snapshot.id.description), Cell(phase.rawValue, phase.meaning),
                Cell(snapshot.control?.assignment.map { "\($0.generation)" } ?? "-"),
                Cell("\(snapshot.control?.drift.count ?? 0)"),
                Cell(snapshot.observed.map { (now - $0.reportedAt).age } ?? "-"),
                Cell(snapshot.control?.message ?? ""),
            ])
        }
        return table
    }

    package static func document(_ snapshot: InstanceSnapshot) -> JSONValue {
        var document: JSONValue = ["instance": .string(snapshot.id.description)]
        if let control = snapshot.control {
            document["phase"] = .string(control.phase.rawValue)
            document["message"] = .string(control.message)
            document["assignment"] = control.assignment?.json ?? .null
            document["openJob"] = control.openJob.map { .string($0) } ?? .null
            document["drift"] = .array(control.drift.values.sorted { $0.field < $1.field }.map(\.json))
            document["failedRounds"] = .int(control.round.round)
            document["lastError"] = control.round.error.map { .string($0) } ?? .null
        }
        document["observed"] = snapshot.observed?.json ?? .null
        return document
    }

    /// The fields of one instance: what each should be and what it was seen to be. What its server said last is unknown
    /// once it is silent, and what answers another assignment proves nothing.
    package static func fields(_ snapshot: InstanceSnapshot, serverIsStale: Bool, now: Timestamp) -> Table {
        var table = Table([
            Column("FIELD", least: 20), Column("DESIRED", least: 12), Column("OBSERVED", least: 12), Column("STATE"),
        ])
        let desired = snapshot.control?.assignment
        let input = ReconcileInput(snapshot, desired: desired, gates: Gates(serverStale: serverIsStale))
        let known = Set((desired?.fields ?? []).map(\.key))
        for row in desired == nil ? [] : DriftReporter.rows(input, now: now) where known.contains(row.field) {
            table.add([
                Cell(row.field.description), Cell(FieldText.short(row.desired)),
                Cell(row.observed.map(FieldText.short) ?? "not observed yet"), Cell(row.stateWords, row.meaning),
            ])
        }
        let observed = snapshot.observed?.fields ?? [:]
        for (key, value) in observed.filter({ !known.contains($0.key) }).sorted(by: { $0.key < $1.key }) {
            table.add([Cell(key.description), "-", Cell(FieldText.short(value)), Cell("not desired", .warning)])
        }
        return table
    }
}
