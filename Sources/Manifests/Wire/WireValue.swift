// JSON ⇄ Model, for what is stored in Redis, kept in the agent's journal and printed by `-o json`: one encoding for all.
//
// Guarantees: reading what was written gives the same value; reading is strict (a missing, unknown or mistyped member is
// an error that says where), because what is in Redis can have been written by anybody.
// Caveat: a NUL in a text becomes U+FFFD, since our JSON has none; file contents travel as base64 then.

public import JSON

/// A value of Model with its one JSON form.
public protocol WireValue {
    var json: JSONValue { get }
    /// `path` is where the JSON stands in its document, for errors.
    init(json: JSONValue, at path: String) throws(WireError)
}

extension WireValue {
    /// The canonical text.
    public var wireText: String { json.canonical }

    /// Reads a text that holds exactly this value.
    public init(wireText text: String) throws(WireError) {
        let value: JSONValue
        do { value = try JSONValue.parse(text) } catch {
            throw WireError(path: "", message: "not JSON: \(error)")
        }
        try self.init(json: value, at: "")
    }

    public init(json: JSONValue) throws(WireError) { try self.init(json: json, at: "") }
}

/// Why a JSON value is not what it should be.
public struct WireError: Error, Sendable, Hashable, CustomStringConvertible {
    /// `plan.steps[2].spec`; empty for the document itself.
    public let path: String
    public let message: String

    public init(path: String, message: String) {
        self.path = path
        self.message = message
    }

    init(path: String, expected: String, found: JSONValue?) {
        self.init(path: path, message: "expected \(expected), found \(found.map(Self.text) ?? "nothing")")
    }

    public var description: String { path.isEmpty ? message : "\(path): \(message)" }

    private static let shownCharacters = 40

    private static func text(_ value: JSONValue) -> String {
        guard let string = value.string else { return value.kind }
        return "\"\(string.prefix(shownCharacters))\(string.count > shownCharacters ? "…" : "")\""
    }
}

extension JSONValue {
    /// A text that JSON can carry.
    static func text(_ text: String) -> JSONValue {
        guard text.utf8.contains(0) else { return .string(text) }
        return .string(String(String.UnicodeScalarView(text.unicodeScalars.map { $0 == "\0" ? "\u{FFFD}" : $0 })))
    }

    /// An object of the members that are there.
    static func members(_ members: KeyValuePairs<String, JSONValue?>) -> JSONValue {
        var object: [String: JSONValue] = [:]
        for (key, value) in members { if let value { object[key] = value } }
        return .object(object)
    }
}
