// One step from a JSON value to a value inside of it. Validation names a place by a path of these, and `JSONLocator`
// turns the path into a line and a column.

public enum PathElement: Sendable, Hashable {
    case key(String)
    case index(Int)
}

extension PathElement: ExpressibleByStringLiteral, ExpressibleByIntegerLiteral {
    public init(stringLiteral value: String) { self = .key(value) }
    public init(integerLiteral value: Int) { self = .index(value) }
}

extension [PathElement] {
    /// The path as people write it: `spec.files["/etc/motd"].mode`, `[2].metadata.name`.
    public var dotted: String {
        var text = ""
        for element in self {
            switch element {
            case .index(let index):
                text += "[\(index)]"
            case .key(let key) where key.isPlainName:
                text += text.isEmpty ? key : ".\(key)"
            case .key(let key):
                text += "[\(JSONValue.string(key).canonical)]"
            }
        }
        return text
    }
}

extension String {
    /// Whether a path can show this key without quotes.
    var isPlainName: Bool {
        !isEmpty
            && utf8.allSatisfy { byte in
                switch byte {
                case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                    UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), UInt8(ascii: "-"):
                    true
                default: false
                }
            }
    }
}
