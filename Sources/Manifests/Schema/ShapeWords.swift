// Shapes in words.

internal import JSON

enum ShapeWords {
    static func type(of shape: Shape) -> String {
        switch shape {
        case .object: "an object"
        case .patch: "an object of which any part may be given"
        case .map(let map): "an object by <\(map.placeholder)>, each \(type(of: map.values))"
        case .list(let list): (list.minimum > 0 ? "a list of at least one " : "a list of ") + type(ofItem: list)
        case .text(let rule), .source(let rule): rule.expected + (rule.isTemplate ? " (template)" : "")
        case .integer(let range): "a whole number from \(range.lowerBound) to \(range.upperBound)"
        case .number: "a number"
        case .boolean: "true or false"
        case .scalar: "a string, a number, true or false"
        case .integerOrText(let range, let rule):
            "a whole number from \(range.lowerBound) to \(range.upperBound), or \(rule.expected)"
        }
    }

    private static func type(ofItem list: ListShape) -> String {
        guard case .text(let rule) = list.items else { return list.item }
        return (list.minimum > 0 ? list.item : list.item + "s") + (rule.isTemplate ? " (templates)" : "")
    }

    static func presence(of field: Field) -> String {
        switch field.presence {
        case .required: "Required."
        case .optional: "Optional."
        case .defaulted(let value): "Default: \(value.canonical)"
        case .notBuilt: "Not built yet."
        }
    }
}
