// What a manifest can declare, and how it is named everywhere: in manifests, keys, output and messages.

/// A kind of resource. The raw value is the `kind` of a manifest.
public enum Kind: String, Sendable, Hashable, CaseIterable {
    case app = "App"
    case server = "Server"
    case schedule = "Schedule"

    /// Whether what is declared becomes instances on servers. A Schedule has none: it makes jobs.
    public var hasInstances: Bool { self != .schedule }

    /// The order of applying: what others refer to comes first, and goes last when it is deleted.
    public var rank: Int {
        switch self {
        case .server: 0
        case .app: 1
        case .schedule: 2
        }
    }
}

/// A resource's identity: `App/webapp`.
public struct ResourceKey: Sendable, Hashable, Comparable, CustomStringConvertible {
    public var kind: Kind
    public var name: String

    public init(_ kind: Kind, _ name: String) {
        self.kind = kind
        self.name = name
    }

    public var description: String { "\(kind.rawValue)/\(name)" }

    public static func < (left: ResourceKey, right: ResourceKey) -> Bool {
        (left.kind.rawValue, left.name) < (right.kind.rawValue, right.name)
    }
}

/// The rule for the names of resources: they become parts of keys, file names and host names.
public enum ResourceName {
    /// The longest name, in bytes; that of a DNS label.
    public static let maximumLength = 63

    /// Lower-case letters, digits, `-` and `.`, with a letter or digit at both ends.
    public static func isValid(_ name: String) -> Bool {
        let bytes = Array(name.utf8)
        guard let first = bytes.first, let last = bytes.last, bytes.count <= maximumLength else { return false }
        return isAlphanumeric(first) && isAlphanumeric(last)
            && bytes.allSatisfy { isAlphanumeric($0) || $0 == UInt8(ascii: "-") || $0 == UInt8(ascii: ".") }
    }

    private static func isAlphanumeric(_ byte: UInt8) -> Bool {
        (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte) || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
    }
}
