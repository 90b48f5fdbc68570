// Strict reading of one JSON object: the members that it may have are named first, then each is asked for by its type.

import JSON
import Model

struct WireObject {
    let members: [String: JSONValue]
    let path: String

    /// Refuses anything but an object with no other members than `known`.
    init(_ value: JSONValue, at path: String, known: [String]) throws(WireError) {
        guard case .object(let members) = value else {
            throw WireError(path: path, expected: "an object", found: value)
        }
        if let stranger = members.keys.filter({ !known.contains($0) }).min() {
            throw WireError(
                path: path, message: "unknown member \"\(stranger)\"; known: \(known.sorted().joined(separator: ", "))")
        }
        self.members = members
        self.path = path
    }

    func path(of key: String) -> String { path.isEmpty ? key : "\(path).\(key)" }

    func has(_ key: String) -> Bool { members[key] != nil }

    /// A member read by `read`; an error that names `expected` if it is missing or `read` gives nil.
    func value<Value>(_ key: String, _ expected: String, _ read: (JSONValue) -> Value?) throws(WireError) -> Value {
        guard let value = members[key].flatMap(read) else {
            throw WireError(path: path(of: key), expected: expected, found: members[key])
        }
        return value
    }

    func optional<Value>(
        _ key: String, _ expected: String, _ read: (JSONValue) -> Value?
    ) throws(WireError) -> Value? {
        has(key) ? try value(key, expected, read) : nil
    }

    func string(_ key: String) throws(WireError) -> String { try value(key, "a string") { $0.string } }
    func optionalString(_ key: String) throws(WireError) -> String? { try optional(key, "a string") { $0.string } }
    func int(_ key: String) throws(WireError) -> Int { try value(key, "an integer") { $0.int } }
    func bool(_ key: String) throws(WireError) -> Bool { try value(key, "true or false") { $0.bool } }

    func natural(_ key: String) throws(WireError) -> Int {
        try value(key, "an integer from 0") { $0.int.flatMap { $0 >= 0 ? $0 : nil } }
    }

    func milliseconds(_ key: String) throws(WireError) -> Duration { .milliseconds(try natural(key)) }

    func time(_ key: String) throws(WireError) -> Timestamp {
        try value(key, "a time in RFC 3339") { $0.string.flatMap { Timestamp(rfc3339: $0) } }
    }

    func optionalTime(_ key: String) throws(WireError) -> Timestamp? { has(key) ? try time(key) : nil }

    func word<Word: RawRepresentable & CaseIterable>(_ key: String, as: Word.Type = Word.self) throws(WireError) -> Word
    where Word.RawValue == String {
        try value(key, "one of \(Word.allCases.map(\.rawValue).joined(separator: ", "))") {
            $0.string.flatMap(Word.init(rawValue:))
        }
    }

    func field(_ key: String) throws(WireError) -> FieldKey {
        try value(key, "a field such as file:/etc/hosts") { $0.string.flatMap { FieldKey($0) } }
    }

    func strings(_ key: String) throws(WireError) -> [String] {
        try value(key, "an array of strings") { Self.all($0.array) { $0.string } }
    }

    func optionalStrings(_ key: String) throws(WireError) -> [String]? { has(key) ? try strings(key) : nil }

    func stringMap(_ key: String) throws(WireError) -> [String: String] {
        guard has(key) else { return [:] }
        return try value(key, "an object of strings") { value in
            guard let object = value.object else { return nil }
            let strings = object.compactMapValues(\.string)
            return strings.count == object.count ? strings : nil
        }
    }

    func fields(_ key: String) throws(WireError) -> [FieldKey] {
        guard has(key) else { return [] }
        return try value(key, "an array of fields") { Self.all($0.array) { $0.string.flatMap { FieldKey($0) } } }
    }

    func nested<Value: WireValue>(_ key: String, as: Value.Type = Value.self) throws(WireError) -> Value {
        guard let value = members[key] else {
            throw WireError(path: path(of: key), expected: "a value", found: nil)
        }
        return try Value(json: value, at: path(of: key))
    }

    func list<Value: WireValue>(_ key: String, of: Value.Type = Value.self) throws(WireError) -> [Value] {
        let elements = try value(key, "an array") { $0.array }
        var values: [Value] = []
        values.reserveCapacity(elements.count)
        for (index, element) in elements.enumerated() {
            values.append(try Value(json: element, at: "\(path(of: key))[\(index)]"))
        }
        return values
    }

    private static func all<Value>(_ array: [JSONValue]?, _ read: (JSONValue) -> Value?) -> [Value]? {
        guard let array else { return nil }
        let values = array.compactMap(read)
        return values.count == array.count ? values : nil
    }
}

extension JSONValue {
    static func strings(_ strings: [String]) -> JSONValue { .array(strings.map { .text($0) }) }
    static func map(_ map: [String: String]) -> JSONValue { .object(map.mapValues { .text($0) }) }
    static func fields(_ fields: [FieldKey]) -> JSONValue { .array(fields.map { .string($0.description) }) }
    static func time(_ time: Timestamp) -> JSONValue { .string(time.rfc3339) }
    static func milliseconds(_ duration: Duration) -> JSONValue { .int(Int(duration.wholeMilliseconds)) }
}
