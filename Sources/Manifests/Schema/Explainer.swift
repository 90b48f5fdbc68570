// `explain`: the tables as text for people.

internal import JSON
internal import Model

enum Explainer {
    /// Text for a path such as `App`, `App.spec.health` or `App.spec.health.http`. The name of an entry may stand in
    /// the path, as `<name>` or `*`, or be left out.
    static func explain(_ path: String) throws(ExplainError) -> String {
        let parts = path.split(separator: ".", omittingEmptySubsequences: false).map(String.init)
        guard let kind = Kind.allCases.first(where: { $0.rawValue.lowercased() == parts[0].lowercased() }) else {
            let kinds = Kind.allCases.map(\.rawValue)
            let hint = NearestName.of(parts[0], among: kinds).map { "did you mean \($0)?" } ?? "such as App.spec.health"
            throw ExplainError(
                message:
                    "expected a path that begins with App, Server or Schedule, found \(Words.quoted(path)); \(hint)")
        }
        var place = Place(path: kind.rawValue, shape: .object(ResourceSchema.shape(of: kind)), field: nil)
        for part in parts.dropFirst() { place = try place.child(part) }
        return place.text
    }
}

/// A place in the schema.
private struct Place {
    var path: String
    var shape: Shape
    /// The field whose shape it is; nil for a kind and for an entry of a map.
    var field: Field?

    func child(_ name: String) throws(ExplainError) -> Place {
        switch shape {
        case .object(let object), .patch(let object):
            if let field = object.fieldsByName[name] {
                return Place(path: "\(path).\(name)", shape: field.shape, field: field)
            }
            let hint = NearestName.hint(for: name, among: object.fields.map(\.name), listing: true)
            throw ExplainError(
                message: "expected a field of \(path), found \(Words.quoted(name))" + (hint.map { "; \($0)" } ?? ""))
        case .map(let map):
            let entry = Place(path: "\(path).<\(map.placeholder)>", shape: map.values, field: nil)
            if name == "*" || name == "<\(map.placeholder)>" { return entry }
            do throws(ExplainError) { return try entry.child(name) } catch {
                // An entry's own name, as it stands in a manifest; but not a field that is only misspelt.
                if case .object(let object) = map.values, NearestName.of(name, among: object.fields.map(\.name)) != nil
                {
                    throw error
                }
                return entry
            }
        default:
            throw ExplainError(
                message: "expected no more than \(path), which has no fields, found \(Words.quoted(name)) after it")
        }
    }

    var text: String {
        var lines = ["\(path): \(ShapeWords.type(of: shape))"]
        if let field {
            lines.append(contentsOf: ["", Self.wrapped(field.doc, indent: 2)])
            lines.append(contentsOf: ["", "  \(ShapeWords.presence(of: field))"])
            if let example = field.example { lines.append("  Example: \(example.canonical)") }
        }
        lines.append(contentsOf: children)
        return lines.joined(separator: "\n") + "\n"
    }

    private var children: [String] {
        switch shape {
        case .object(let object), .patch(let object):
            var lines = ["", "Fields:"]
            for field in object.fields {
                lines.append("  \(field.name): \(ShapeWords.type(of: field.shape)). \(ShapeWords.presence(of: field))")
                lines.append(Self.wrapped(field.doc, indent: 6))
            }
            for group in object.exactlyOne { lines.append("  Exactly one of \(Words.list(group, "or")).") }
            for group in object.atMostOne { lines.append("  At most one of \(Words.list(group, "or")).") }
            for (field, other) in object.needs {
                lines.append("  \(Words.quoted(field)) needs \(Words.quoted(other)).")
            }
            return lines
        case .map(let map):
            let key = "Each <\(map.placeholder)> is \(map.keys.expected)."
            let inner = Place(path: path, shape: map.values, field: nil).children
            return ["", Self.wrapped(key, indent: 2)] + inner
        default: return []
        }
    }

    private static let width = 100

    private static func wrapped(_ text: String, indent: Int) -> String {
        let margin = String(repeating: " ", count: indent)
        var lines: [String] = []
        var line = ""
        for word in text.split(separator: " ") {
            if !line.isEmpty, indent + line.count + word.count >= width {
                lines.append(margin + line)
                line = ""
            }
            line += (line.isEmpty ? "" : " ") + word
        }
        lines.append(margin + line)
        return lines.joined(separator: "\n")
    }
}
