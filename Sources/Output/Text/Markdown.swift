// Tables in GitHub's Markdown.

package enum Markdown {
    package static func table(_ titles: [String], _ rows: [[String]]) -> String {
        let header = line(titles) + line(titles.map { _ in "---" }, escape: false)
        return header + rows.map { line($0) }.joined()
    }

    private static func line(_ cells: [String], escape: Bool = true) -> String {
        "| " + cells.map { escape ? escaped($0) : $0 }.joined(separator: " | ") + " |\n"
    }

    /// Printable, and nothing in it is markup.
    package static func escaped(_ text: String) -> String {
        var result = ""
        for character in text.printable {
            switch character {
            case "<": result += "&lt;"
            case "&": result += "&amp;"
            case "|", "\\", "`", "*", "_", "[", "]", "~", "#": result += "\\\(character)"
            default: result.append(character)
            }
        }
        return result
    }
}
