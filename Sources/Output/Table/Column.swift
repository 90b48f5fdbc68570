// How one column of a table behaves when there is not enough room for all.

package struct Column: Sendable, Hashable {
    package enum Alignment: Sendable, Hashable { case left, right }

    package var title: String
    package var alignment: Alignment
    /// Columns it may be cut to when the table is too wide; nil: never cut.
    package var least: Int?

    package init(_ title: String, _ alignment: Alignment = .left, least: Int? = nil) {
        self.title = title
        self.alignment = alignment
        self.least = least
    }
}
