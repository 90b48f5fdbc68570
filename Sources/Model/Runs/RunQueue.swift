// Where jobs of people, schedules and scripts wait: on the queue of one server, or in a pool that many servers take from.

/// Written `server1`, or `@role=web` for the pool of all servers with that label.
public enum RunQueue: Sendable, Hashable, Comparable, CustomStringConvertible {
    case server(String)
    case pool(Pool)

    /// Reads what `description` writes; nil if it is neither the name of a server nor that of a pool.
    public init?(_ text: String) {
        if text.hasPrefix("@") {
            guard let pool = Pool(String(text.dropFirst())) else { return nil }
            self = .pool(pool)
        } else {
            guard ResourceName.isValid(text) else { return nil }
            self = .server(text)
        }
    }

    /// What decides the shard, and stands in the keys.
    public var name: String {
        switch self {
        case .server(let name): name
        case .pool(let pool): pool.name
        }
    }

    public var description: String {
        switch self {
        case .server(let name): name
        case .pool(let pool): "@\(pool.name)"
        }
    }

    public static func < (left: RunQueue, right: RunQueue) -> Bool { left.description < right.description }
}

/// The servers whose labels contain a selector's, as one queue. Its name is the selector itself, so that whoever knows the
/// labels knows the pool: `role=web` or `role=web,zone=a`.
public struct Pool: Sendable, Hashable {
    /// At least one label.
    public let selector: [String: String]

    /// The longest name, in bytes.
    public static let maximumLength = 256
    /// How many pools one server takes from at most; one that nobody used for long makes room.
    public static let mostOfOneServer = 64

    /// nil if the selector is empty, its name too long, or a label holds what cannot be part of a name.
    public init?(selector: [String: String]) {
        let isPlain = selector.allSatisfy { key, value in Self.isWord(key) && (value.isEmpty || Self.isWord(value)) }
        guard !selector.isEmpty, isPlain else { return nil }
        self.selector = selector
        guard name.utf8.count <= Self.maximumLength else { return nil }
    }

    public init?(_ name: String) {
        var selector: [String: String] = [:]
        for part in name.split(separator: ",", omittingEmptySubsequences: false) {
            let sides = part.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            guard sides.count == 2, selector.updateValue(String(sides[1]), forKey: String(sides[0])) == nil else {
                return nil
            }
        }
        self.init(selector: selector)
    }

    public var name: String {
        selector.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }.joined(separator: ",")
    }

    public func matches(_ labels: [String: String]) -> Bool {
        selector.allSatisfy { labels[$0.key] == $0.value }
    }

    private static func isWord(_ text: String) -> Bool {
        !text.isEmpty
            && text.utf8.allSatisfy { byte in
                switch byte {
                case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                    UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"),
                    UInt8(ascii: "/"):
                    true
                default: false
                }
            }
    }
}
