// The unit of comparison. A field has one name in the manifest, the hash, the plan and the drift report.

/// What a field is of. The order of the cases is the order in which steps are done.
public enum FieldKind: String, Sendable, Hashable, CaseIterable, Comparable {
    case config
    case package
    case directory
    case file
    case command
    case service
    case health

    public static func < (left: FieldKind, right: FieldKind) -> Bool { left.rank < right.rank }

    var rank: Int {
        switch self {
        case .config: 0
        case .package: 1
        case .directory: 2
        case .file: 3
        case .command: 4
        case .service: 5
        case .health: 6
        }
    }
}

/// `file:/etc/nginx/nginx.conf`: kind and name, written with a colon; one field of a Redis hash.
public struct FieldKey: Sendable, Hashable, Comparable, CustomStringConvertible {
    public var kind: FieldKind
    public var name: String

    public init(_ kind: FieldKind, _ name: String) {
        self.kind = kind
        self.name = name
    }

    /// Reads `kind:name`; nil if the kind is none of ours or the name is empty.
    public init?(_ text: String) {
        guard let colon = text.firstIndex(of: ":"), let kind = FieldKind(rawValue: String(text[..<colon])) else {
            return nil
        }
        let name = String(text[text.index(after: colon)...])
        guard !name.isEmpty else { return nil }
        self.init(kind, name)
    }

    public var description: String { "\(kind.rawValue):\(name)" }

    /// By kind in the order of steps, then by name: a folder comes before what is in it.
    public static func < (left: FieldKey, right: FieldKey) -> Bool {
        left.kind == right.kind ? left.name < right.name : left.kind < right.kind
    }
}
