// Tables for people: columns as wide as their widest cell, two spaces between them, on a terminal no wider than that.
// Where there is not enough room, the widest column that may be cut is cut, one column at a time, down to its least width.

package struct Table: Sendable, Hashable {
    /// The room that a table takes on any terminal, however narrow.
    package static let leastRoom = 100
    private static let gap = 2

    package let columns: [Column]
    package private(set) var rows: [[Cell]] = []
    /// By row: a line of its own below it, from the second column on.
    private var details: [Int: Cell] = [:]

    package init(_ columns: [Column]) {
        self.columns = columns
    }

    /// Adds a row, which must have a cell for each column.
    package mutating func add(_ row: [Cell]) {
        precondition(row.count == columns.count, "a row of \(row.count) cells in a table of \(columns.count) columns")
        rows.append(row)
    }

    /// Adds a row with a line below it.
    package mutating func add(_ row: [Cell], detail: Cell) {
        details[rows.count] = detail
        add(row)
    }

    /// The lines, header first.
    /// - Parameter inset: columns that are taken already.
    package func lines(_ paint: Paint, inset: Int = 0) -> [String] {
        let width = paint.width - inset
        let widths = fitted(to: width)
        let header = line(columns.map { Cell($0.title, .faint) }, widths, paint)
        let indent = (widths.first ?? 0) + Self.gap
        return rows.indices.reduce(into: [header]) { lines, index in
            lines.append(line(rows[index], widths, paint))
            guard let detail = details[index] else { return }
            let short = detail.text.shortened(to: width - indent)
            lines.append(String(repeating: " ", count: indent) + paint(short, detail.meaning))
        }
    }

    /// The lines as one text with a newline at the end of each.
    package func text(_ paint: Paint) -> String {
        lines(paint).map { $0 + "\n" }.joined()
    }

    private func line(_ cells: [Cell], _ widths: [Int], _ paint: Paint) -> String {
        var result = ""
        for (position, (cell, width)) in zip(cells, widths).enumerated() {
            let short = cell.text.shortened(to: width)
            let space = String(repeating: " ", count: max(0, width - short.columns))
            let last = position == cells.count - 1
            switch columns[position].alignment {
            case .left: result += paint(short, cell.meaning) + (last ? "" : space)
            case .right: result += space + paint(short, cell.meaning)
            }
            if !last { result += String(repeating: " ", count: Self.gap) }
        }
        while result.last == " " { result.removeLast() }
        return result
    }

    private func fitted(to width: Int) -> [Int] {
        var widths = columns.indices.map { index in
            rows.reduce(columns[index].title.columns) { max($0, $1[index].text.columns) }
        }
        var excess = widths.reduce(0, +) + Self.gap * (columns.count - 1) - width
        while excess > 0 {
            let cuttable = columns.indices.filter { index in columns[index].least.map { widths[index] > $0 } ?? false }
            guard let widest = cuttable.max(by: { widths[$0] < widths[$1] }) else { break }
            widths[widest] -= 1
            excess -= 1
        }
        return widths
    }
}
