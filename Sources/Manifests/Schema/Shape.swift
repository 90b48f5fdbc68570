// The schema as values. One table (`AppSchema`, `ServerSchema`, `WorkloadSchema`) drives the strict reading, the
// defaults, JSON Schema and `explain`, so these cannot say different things.

internal import JSON

/// What a JSON value must look like.
indirect enum Shape: Sendable {
    case object(ObjectShape)
    /// An object of which any part may be missing, and `null` removes what it is merged onto.
    case patch(ObjectShape)
    case map(MapShape)
    case list(ListShape)
    case text(TextRule)
    case integer(ClosedRange<Int>)
    /// Any number.
    case number
    case boolean
    /// A config value: a string, number or boolean.
    case scalar
    /// A number in this range, or a string.
    case integerOrText(ClosedRange<Int>, TextRule)
    /// A path to a file beside the manifest; in the store, what was found there.
    case source(TextRule)
}

/// An object with known fields only.
struct ObjectShape: Sendable {
    /// Names the object in JSON Schema's definitions, `HealthCheck`, and in texts, `health check`.
    let name: String
    let fields: [Field]
    /// Of each of these groups exactly one field is given.
    let exactlyOne: [[String]]
    /// Of each of these groups no more than one field is given.
    let atMostOne: [[String]]
    /// A field that makes sense only beside another: `reloadOn` beside `reload`.
    let needs: [(field: String, other: String)]
    let fieldsByName: [String: Field]
    let defaults: [String: JSONValue]
    let required: [String]

    init(
        _ name: String, _ fields: [Field], exactlyOne: [[String]] = [], atMostOne: [[String]] = [],
        needs: [(field: String, other: String)] = []
    ) {
        self.name = name
        self.fields = fields
        self.exactlyOne = exactlyOne
        self.atMostOne = atMostOne
        self.needs = needs
        fieldsByName = Dictionary(fields.map { ($0.name, $0) }) { first, _ in first }
        defaults = fieldsByName.compactMapValues { if case .defaulted(let value) = $0.presence { value } else { nil } }
        required = fields.filter { if case .required = $0.presence { true } else { false } }.map(\.name)
    }
}

/// One field of an object.
struct Field: Sendable {
    enum Presence: Sendable {
        case required
        case optional
        case defaulted(JSONValue)
        /// The schema foresees it, and it is refused with that message.
        case notBuilt
    }

    let name: String
    let shape: Shape
    let presence: Presence
    let doc: String
    let example: JSONValue?

    init(_ name: String, _ shape: Shape, _ presence: Presence, _ doc: String, example: JSONValue? = nil) {
        self.name = name
        self.shape = shape
        self.presence = presence
        self.doc = doc
        self.example = example
    }

    var isNotBuilt: Bool { if case .notBuilt = presence { true } else { false } }
}

/// An object with any keys of one kind, and values of one shape.
struct MapShape: Sendable {
    /// What stands for a key in texts: `name`, `path`, `key`.
    let placeholder: String
    let keys: TextRule
    let values: Shape
}

struct ListShape: Sendable {
    let items: Shape
    /// What an item is called in texts.
    let item: String
    let minimum: Int
    let isUnique: Bool
    /// What the first item must be beside that.
    var first: TextRule?
    var maximum = ManifestLimits.entries
}

/// The bounds of what is read.
public enum ManifestLimits {
    /// The largest manifest file, in bytes; it may hold many resources.
    public static let manifestSize = 16 << 20
    /// The most entries of one map (files, config, …), and items of one list.
    public static let entries = 10_000
    /// The longest string other than a file's content or a config value, in bytes.
    public static let textLength = 4096
    /// The longest config value, in bytes.
    public static let configValueLength = 64 << 10
    /// The most errors of one run that are told; the rest is counted.
    public static let errors = 200
}
