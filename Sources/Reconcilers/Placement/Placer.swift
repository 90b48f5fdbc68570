// Which servers an App runs on. A selector with a count chooses by rendezvous hashing (Thaler and Ravishankar, 1998):
// each server has a score for the App, and the highest scores win. The scores know nothing of each other, so a server
// that comes or goes moves its own instance and no other.

public import Model

public enum Placer {
    /// The servers that the App runs on, by name in order. Only servers that are declared count.
    /// - Parameter servers: labels by server name.
    public static func place(app: String, _ placement: Placement, servers: [String: [String: String]]) -> [String] {
        switch placement {
        case .servers(let names): return Set(names).filter { servers[$0] != nil }.sorted()
        case .selector(let selector, let count):
            let matching = servers.lazy.filter { selects(selector, $0.value) }.map(\.key)
            guard let count, count < matching.count else { return matching.sorted() }
            return highest(max(0, count), of: Array(matching), for: app).sorted()
        }
    }

    /// Whether labels contain all that the selector asks for.
    public static func selects(_ selector: [String: String], _ labels: [String: String]) -> Bool {
        selector.allSatisfy { labels[$0.key] == $0.value }
    }

    private static func highest(_ count: Int, of servers: [String], for app: String) -> [String] {
        let scored = servers.map { (score: score(app: app, server: $0), name: $0) }
        return scored.sorted { ($0.score, $1.name) > ($1.score, $0.name) }.prefix(count).map(\.name)
    }

    /// FNV-1a over `<app> NUL <server>`, then the finalizer of MurmurHash3 (fmix64), because FNV alone mixes the last
    /// bytes badly. It is part of what the outside sees: changing it would move instances.
    public static func score(app: String, server: String) -> UInt64 {
        var hash: UInt64 = 0xcbf2_9ce4_8422_2325
        for byte in app.utf8 { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3 }
        hash = hash &* 0x100_0000_01b3
        for byte in server.utf8 { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3 }
        hash = (hash ^ (hash >> 33)) &* 0xff51_afd7_ed55_8ccd
        hash = (hash ^ (hash >> 33)) &* 0xc4ce_b9fe_1a85_ec53
        return hash ^ (hash >> 33)
    }
}

/// What a new placement changes.
public struct PlacementChange: Sendable, Hashable {
    public var added: [String]
    public var removed: [String]

    public init(current: some Sequence<String>, wanted: some Sequence<String>) {
        let (current, wanted) = (Set(current), Set(wanted))
        added = wanted.subtracting(current).sorted()
        removed = current.subtracting(wanted).sorted()
    }

    public var isEmpty: Bool { added.isEmpty && removed.isEmpty }
}

/// The brake on mass removal: how many instances may leave because a placement moved, before a person is asked.
public enum RemovalBrake {
    public static let freeCount = 3
    public static let freePercent = 10

    /// Set when `removing` of `assigned` instances is more than may go without a person.
    public static func brake(removing: Int, of assigned: Int) -> (removing: Int, of: Int)? {
        removing > max(freeCount, assigned * freePercent / 100) ? (removing, assigned) : nil
    }
}
