// `-o`: for people or for programs.

internal import ArgumentParser
internal import JSON

enum OutputFormat: String, ExpressibleByArgument, CaseIterable {
    case table, json, name
}

enum DocumentFormat: String, ExpressibleByArgument, CaseIterable {
    case table, json
}

enum DriftFormat: String, ExpressibleByArgument, CaseIterable {
    case table, json, name, csv, markdown, html
}

extension Console {
    /// One JSON document.
    static func out(_ document: JSONValue) { out(document.pretty() + "\n") }
}
