// A checked JSON object, with the table's defaults for what is missing.
//
// Assumption: the object has passed `ShapeCheck` for this very shape.

internal import JSON
internal import Model

struct ObjectView {
    private let members: [String: JSONValue]
    private let shape: ObjectShape

    init(_ value: JSONValue?, _ shape: ObjectShape) {
        members = value?.object ?? [:]
        self.shape = shape
    }

    subscript(name: String) -> JSONValue? { members[name] ?? shape.defaults[name] }

    func text(_ name: String) -> String? { self[name]?.string }

    func flag(_ name: String) -> Bool { self[name]?.bool ?? false }

    func texts(_ name: String) -> [String]? { self[name]?.array?.compactMap(\.string) }

    func textMap(_ name: String) -> [String: String] { self[name]?.object?.compactMapValues(\.string) ?? [:] }

    func map(_ name: String) -> [String: JSONValue] { self[name]?.object ?? [:] }

    func duration(_ name: String) -> Duration { text(name).flatMap(DurationText.parse) ?? .zero }

    func mode(_ name: String) -> Int { text(name).flatMap { Int($0, radix: 8) } ?? 0 }

    func fieldKeys(_ name: String) -> [FieldKey] { (texts(name) ?? []).compactMap { FieldKey($0) } }
}
