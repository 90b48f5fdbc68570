// Colour and width, in one place: whoever renders names a meaning, and this decides whether a terminal gets to see it.

/// Paints text by its meaning, or leaves it as it is.
package struct Paint: Sendable, Hashable {
    package enum Meaning: String, Sendable, Hashable {
        case good = "32"
        case bad = "31"
        case warning = "33"
        case note = "36"
        case faint = "2"
        case strong = "1"
    }

    package let enabled: Bool
    /// How wide a table may be here: wherever there is no terminal, as wide as it is.
    package let width: Int

    package init(enabled: Bool, width: Int = Table.leastRoom) {
        self.enabled = enabled
        self.width = width
    }

    package static let none = Paint(enabled: false)

    /// `text` must be printable already: this adds the only escape sequences that may reach a terminal.
    package func callAsFunction(_ text: String, _ meaning: Meaning?) -> String {
        guard enabled, let meaning, !text.isEmpty else { return text }
        return "\u{1B}[\(meaning.rawValue)m\(text)\u{1B}[0m"
    }
}
