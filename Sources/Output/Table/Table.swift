// Tables for people: columns as wide as their widest cell, two spaces between them, never wider than 100 columns.
// Where there is not enough room, the widest column that may be cut is cut, one column at a time, down to its least width.

package struct Table: Sendable, Hashable {
    /// The widest line that is ever printed, whatever the terminal's width.
    package static let maximumWidth = 100
    private static let gap = 2

    package let columns: [Column]
    package private(set) var rows: [[Cell]] = []

    package init(_ columns: [Column]) {
        self.columns = columns
    }

    /// Adds a row, which must have a cell for each column.
    package mutating func add(_ row: [Cell]) {
        precondition(row.count == columns.count, "a row of \(row.count) cells in a table of \(columns.count) columns")
        rows.append(row)
    }

    /// The lines, header first.
    package func lines(_ paint: Paint, width: Int = Table.maximumWidth) -> [String] {
        let widths = fitted(to: min(width, Self.maximumWidth))
        let header = zip(columns, widths).map { column, width in (column.title, Paint.Meaning.faint, column, width) }
        let body = rows.map { row in
            zip(row, zip(columns, widths)).map { cell, layout in (cell.text, cell.meaning, layout.0, layout.1) }
        }
        return [line(header.map { ($0.0, Optional($0.1), $0.2, $0.3) }, paint)] + body.map { line($0, paint) }
    }

    /// The lines as one text with a newline at the end of each.
    package func text(_ paint: Paint, width: Int = Table.maximumWidth) -> String {
        lines(paint, width: width).map { $0 + "\n" }.joined()
    }

    private func line(_ cells: [(String, Paint.Meaning?, Column, Int)], _ paint: Paint) -> String {
        var result = ""
        for (position, (text, meaning, column, width)) in cells.enumerated() {
            let short = text.shortened(to: width)
            let space = String(repeating: " ", count: max(0, width - short.columns))
            let last = position == cells.count - 1
            switch column.alignment {
            case .left: result += paint(short, meaning) + (last ? "" : space)
            case .right: result += space + paint(short, meaning)
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
