// `events`, oldest first, as a log reads.

package import JSON
internal import Manifests
package import Model

package enum EventListing {
    package static func table(_ events: [Event], now: Timestamp) -> Table {
        var table = Table([
            Column("AGE", .right), Column("SUBJECT", least: 12), Column("REASON"), Column("MESSAGE", least: 20),
        ])
        for event in events {
            table.add([
                Cell((now - event.at).age), Cell(event.subject),
                Cell(event.reason, event.severity == .warning ? .warning : nil), Cell(event.message),
            ])
        }
        return table
    }

    package static func document(_ events: [Event]) -> JSONValue { ["events": .array(events.map(\.json))] }
}
