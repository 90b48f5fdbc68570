// `get schedules`: the table. One whose manifest cannot be read is in it too.

package import Model
internal import Store

package enum ScheduleListing {
    package static func table(_ rows: [ResourceRow], now: Timestamp) -> Table {
        var table = Table([
            Column("NAME"), Column("WHEN", least: 10), Column("ZONE"), Column("NEXT"), Column("LAST", .right),
            Column("STATE", least: 8),
        ])
        for row in rows {
            let facts = row.schedule
            let last = facts?.state?.lastRun.map { "\((now - $0.time).age) ago" }
            let word = row.word
            table.add([
                Cell(row.resource.key.name), Cell(facts?.when ?? "-"), Cell(facts?.zone ?? "-"),
                Cell(facts?.next.first ?? "-"), Cell(last ?? "never"),
                Cell(word.message.isEmpty ? word.text : "\(word.text): \(word.message)", word.meaning),
            ])
            // Of one alone there is room for all of the next times.
            guard rows.count == 1 else { continue }
            for time in facts?.next.dropFirst() ?? [] { table.add(["", "", "", Cell(time), "", ""]) }
        }
        return table
    }

    /// What `describe` says beside what it says of every resource.
    static func facts(_ facts: ScheduleFacts, now: Timestamp, _ paint: Paint) -> String {
        let last = facts.state?.lastRun.map { run in
            "\(run.id), for \(run.time.rfc3339), on \(listed(run.queues.map(\.description)))"
        }
        let lines: [(String, String?)] = [
            ("when", facts.when), ("zone", facts.zone), ("last run", last ?? "never"),
            ("left out", facts.state?.leftOut), ("unwatched", facts.state?.unwatched),
        ]
        let next = facts.next.map { ("next", Optional($0)) }
        return paint("Schedule", .strong) + "\n" + Facts(lines + next).text(paint, indent: "  ")
    }
}
