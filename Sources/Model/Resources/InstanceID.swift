// One App on one Server, the unit that is compared, planned and reported.

/// `webapp@server1`; with no app, what the Server carries by itself, written `server1`.
public struct InstanceID: Sendable, Hashable, Comparable, CustomStringConvertible {
    public var app: String?
    public var server: String

    public init(app: String?, server: String) {
        self.app = app
        self.server = server
    }

    public var description: String { app.map { "\($0)@\(server)" } ?? server }

    /// The last part of this instance's keys. No App's name is `_`, so that is free for the server's own fields.
    public var appKey: String { app ?? "_" }

    public init(appKey: String, server: String) {
        self.init(app: appKey == "_" ? nil : appKey, server: server)
    }

    /// The resource that declares this instance.
    public var resource: ResourceKey { app.map { ResourceKey(.app, $0) } ?? ResourceKey(.server, server) }

    public static func < (left: InstanceID, right: InstanceID) -> Bool {
        (left.server, left.app ?? "") < (right.server, right.app ?? "")
    }
}
