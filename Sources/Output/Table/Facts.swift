// Names and values below each other, the values in one column.

package struct Facts: Sendable {
    private let facts: [(name: String, value: Cell)]

    /// Entries without a value are left out.
    package init(_ facts: [(String, String?)]) {
        self.facts = facts.compactMap { name, value in value.map { (name, Cell($0)) } }
    }

    package init(cells: [(String, Cell)]) {
        facts = cells.map { (name: $0, value: $1) }
    }

    package func text(_ paint: Paint, indent: String = "") -> String {
        let width = facts.map(\.name.columns).max() ?? 0
        return facts.map { fact in
            indent + paint((fact.name + ":").padded(to: width + 2), .faint)
                + paint(fact.value.text, fact.value.meaning) + "\n"
        }.joined()
    }
}
