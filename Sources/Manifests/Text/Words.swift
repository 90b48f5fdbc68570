// Pieces of messages.

internal import JSON

enum Words {
    /// The most characters of a found text that a message repeats.
    private static let shownLength = 60
    /// The most names that a list shows.
    private static let shownNames = 12

    /// In JSON's quotes, shortened.
    static func quoted(_ text: String) -> String {
        let shown = text.count > shownLength ? text.prefix(shownLength) + "…" : text[...]
        return JSONValue.string(String(shown)).canonical
    }

    /// A value as it stands after "found".
    static func found(_ value: JSONValue) -> String {
        switch value {
        case .string(let text): quoted(text)
        case .object(let members): members.isEmpty ? "an empty object" : "an object"
        case .array(let elements): elements.isEmpty ? "an empty array" : "an array"
        case .null, .bool, .int, .double: value.canonical
        }
    }

    /// `"a", "b" and "c"`, or with another last word.
    static func list(_ names: [String], _ last: String = "and") -> String {
        var shown = names.prefix(shownNames).map(quoted)
        if names.count > shownNames { shown.append("\(names.count - shownNames) more") }
        guard let final = shown.popLast() else { return "none" }
        return shown.isEmpty ? final : shown.joined(separator: ", ") + " \(last) " + final
    }
}
