// Entries of a hash are text; in a manifest they have a type. An entry keeps the type that it had.

internal import JSON

struct ConfigEdit {
    private let before: [String: JSONValue]
    private(set) var findings: [Finding] = []

    init(of config: [String: JSONValue]?) {
        before = config ?? [:]
    }

    /// The config that these entries are. Texts that are not of an entry's type become findings, and are strings.
    mutating func applying(_ entries: [String: String]) -> [String: JSONValue] {
        var config: [String: JSONValue] = [:]
        for (key, text) in entries { config[key] = value(text, of: key) }
        return config
    }

    private mutating func value(_ text: String, of key: String) -> JSONValue {
        guard let old = before[key] else { return Self.integer(text) ?? Self.boolean(text) ?? .string(text) }
        let (expected, value): (String, JSONValue?) =
            switch old {
            case .int: ("a whole number", Self.integer(text))
            case .bool: ("true or false", Self.boolean(text))
            case .double: ("a number", Self.number(text))
            default: ("a string", .string(text))
            }
        if let value { return value }
        findings.append(
            Finding(
                path: ["spec", "config", .key(key)],
                message: "expected \(expected) as before, found \(Words.quoted(text))",
                hint: "apply the manifest to change the type of an entry"))
        return .string(text)
    }

    // Only the canonical text of a value counts as one: the hash must still hold the very text that was given.

    private static func integer(_ text: String) -> JSONValue? {
        Int(text).flatMap { String($0) == text ? .int($0) : nil }
    }

    private static func boolean(_ text: String) -> JSONValue? {
        switch text {
        case "true": true
        case "false": false
        default: nil
        }
    }

    private static func number(_ text: String) -> JSONValue? {
        if let integer = integer(text) { return integer }
        guard let number = Double(text), number.isFinite, JSONValue.double(number).canonical == text else { return nil }
        return .double(number)
    }
}
