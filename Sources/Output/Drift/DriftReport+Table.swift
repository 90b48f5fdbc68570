// The report on a terminal.

internal import Model
internal import Reconcilers

extension DriftReport {
    package func text(_ paint: Paint) -> String {
        var text = ""
        if !rows.isEmpty { text += table().text(paint) + "\n" }
        if let history, !history.isEmpty {
            text += paint("Repaired", .strong) + "\n" + table(history).text(paint) + "\n"
        }
        text += paint(summary, drifted > 0 ? .bad : unknown > 0 ? .warning : .good) + "\n"
        if let historySummary { text += historySummary + "\n" }
        return text
    }

    /// Two lines a row: what is and what should be; and below it why, how fresh that is, and what is being done.
    private func table() -> Table {
        var table = Table([
            Column("INSTANCE"), Column("FIELD", least: 36), Column("DESIRED", least: 10), Column("OBSERVED", least: 10),
            Column("SINCE", .right), Column("STATE"),
        ])
        for group in grouped() {
            guard let row = group.first else { continue }
            let (desired, observed) = row.pair
            let isOne = group.count == 1
            table.add(
                [
                    Cell(row.instance.description), Cell(isOne ? row.field.description : "\(group.count) fields"),
                    Cell(isOne ? desired : "-"), Cell(isOne ? observed : "-"),
                    Cell(row.since.map { (now - $0).age } ?? "-"), Cell(row.stateWords, row.meaning),
                ], detail: Cell(detail(row), .faint))
        }
        return table
    }

    private func detail(_ row: DriftRow) -> String {
        let parts = [row.cause?.words, row.age.map { "seen \($0.age) ago" } ?? "never seen"].compactMap { $0 }
        return (parts + (row.state == .inSync ? [] : [row.actionWords])).joined(separator: " · ")
    }

    /// Rows one by one, but unknown ones of one instance that wait for the same thing together.
    private func grouped() -> [[DriftRow]] {
        var groups: [[DriftRow]] = []
        for row in rows {
            if let last = groups.last?.first, row.state == .unknown, last.state == .unknown,
                last.instance == row.instance, last.action == row.action
            {
                groups[groups.count - 1].append(row)
            } else {
                groups.append([row])
            }
        }
        return groups
    }

    private func table(_ history: [RepairedDrift]) -> Table {
        var table = Table([
            Column("INSTANCE"), Column("FIELD", least: 40), Column("WAS", least: 10), Column("CAUSE"),
            Column("ONSET", .right), Column("REPAIRED AFTER", .right),
        ])
        for repaired in history {
            let record = repaired.record
            table.add([
                Cell(repaired.instance.description), Cell(record.field.description),
                Cell(FieldText.narrowPair(from: record.observed, to: record.desired).from), Cell(record.cause.word),
                Cell("\((now - record.onset).age) ago"), Cell(repaired.timeToRepair?.measured ?? "-"),
            ])
        }
        return table
    }
}
