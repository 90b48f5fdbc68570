// Comma-separated values as RFC 4180 has them.

package enum CSV {
    /// One record with its line end.
    package static func line(_ values: [String]) -> String { values.map(field).joined(separator: ",") + "\r\n" }

    /// Quoted where it must be. A value that a spreadsheet would take for a formula gets a quote mark before it, because
    /// whoever can make a field drift could otherwise run something on the reader's machine.
    private static func field(_ value: String) -> String {
        var value = value.printable
        if let first = value.first, "=+-@".contains(first) { value = "'" + value }
        guard value.contains(where: { $0 == "," || $0 == "\"" }) else { return value }
        return "\"" + value.split(separator: "\"", omittingEmptySubsequences: false).joined(separator: "\"\"") + "\""
    }
}
