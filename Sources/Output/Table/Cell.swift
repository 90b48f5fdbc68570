// One cell of a table: a text from anywhere, made printable, and what it means.

package struct Cell: Sendable, Hashable {
    package let text: String
    package let meaning: Paint.Meaning?

    /// Makes the text printable.
    package init(_ text: String, _ meaning: Paint.Meaning? = nil) {
        self.text = text.printable
        self.meaning = meaning
    }
}

extension Cell: ExpressibleByStringLiteral, ExpressibleByStringInterpolation {
    package init(stringLiteral value: String) { self.init(value) }
}
