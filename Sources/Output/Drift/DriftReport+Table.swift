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

    private func table() -> Table {
        var table = Table([
            Column("INSTANCE"), Column("FIELD", least: 16), Column("STATE"), Column("DESIRED", least: 8),
            Column("OBSERVED", least: 8), Column("SINCE", .right), Column("CAUSE"), Column("SEEN", .right),
            Column("BEING DONE", least: 10),
        ])
        for row in rows {
            let (desired, observed) = row.pair
            table.add([
                Cell(row.instance.description), Cell(row.field.description), Cell(row.stateWords, row.meaning),
                Cell(desired), Cell(observed), Cell(row.since.map { (now - $0).age } ?? "-"),
                Cell(row.cause?.word ?? "-"), Cell(row.age?.age ?? "never"), Cell(row.actionWords),
            ])
        }
        return table
    }

    private func table(_ history: [RepairedDrift]) -> Table {
        var table = Table([
            Column("INSTANCE"), Column("FIELD", least: 20), Column("WAS", least: 8), Column("CAUSE"),
            Column("ONSET", .right), Column("REPAIRED AFTER", .right),
        ])
        for repaired in history {
            let record = repaired.record
            table.add([
                Cell(repaired.instance.description), Cell(record.field.description),
                Cell(FieldText.pair(from: record.observed, to: record.desired).from), Cell(record.cause.word),
                Cell("\((now - record.onset).age) ago"), Cell(repaired.timeToRepair?.measured ?? "-"),
            ])
        }
        return table
    }
}
