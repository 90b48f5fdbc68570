// How a person names things: `app/webapp`, `App/webapp`, `webapp` where only one thing has that name, `webapp@server1`.

internal import Manifests
internal import Model
internal import Output
internal import Store

enum Reference: Hashable {
    case resource(ResourceKey)
    case instance(InstanceID)

    /// Looks up what was typed; nothing of that name is an error that names the nearest one.
    static func find(_ text: String, in store: any OperationsStore) async throws -> Reference {
        if text.contains("@") { return .instance(try await findInstance(text, in: store)) }
        return .resource(try await findResource(text, in: store))
    }

    static func findResource(_ text: String, in store: any OperationsStore) async throws -> ResourceKey {
        let parts = text.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
        if parts.count == 2 {
            guard let kind = kind(named: parts[0]) else {
                throw CommandFailure(
                    "\(text.printable): \"\(parts[0].printable)\" is no kind; kinds are app, server and schedule")
            }
            let key = ResourceKey(kind, parts[1])
            if try await Desired.resource(key, in: store) != nil { return key }
            let names = try await store.resources(kind).map(\.key.name)
            throw missing(
                text, near: Nearest.name(to: parts[1], among: names).map { ResourceKey(kind, $0).description })
        }
        let keys = Kind.allCases.map { ResourceKey($0, text) }
        var found: [ResourceKey] = []
        for key in keys where try await Desired.resource(key, in: store) != nil { found.append(key) }
        guard found.count < 2 else {
            throw CommandFailure("\(text.printable) is \(listed(found.map(\.description))): say which")
        }
        if let key = found.first { return key }
        var names: [String] = []
        for kind in Kind.allCases { names += try await store.resources(kind).map(\.key.name) }
        throw missing(text, near: Nearest.name(to: text, among: names))
    }

    private static func findInstance(_ text: String, in store: any OperationsStore) async throws -> InstanceID {
        guard let id = InstanceID(text) else {
            throw CommandFailure("\(text.printable): an instance is written app@server")
        }
        let snapshot = try await store.instance(id)
        if snapshot.control != nil || snapshot.observed != nil { return id }
        let names = try await Fleet.instanceIDs(store).map(\.description)
        throw missing(text, near: Nearest.name(to: text, among: names))
    }

    static func kind(named text: String) -> Kind? {
        switch text.lowercased() {
        case "app", "apps": .app
        case "server", "servers": .server
        case "schedule", "schedules": .schedule
        default: nil
        }
    }

    static func missing(_ text: String, near: String?) -> CommandFailure {
        CommandFailure("there is no \(text.printable)" + (near.map { "; did you mean \($0.printable)?" } ?? ""))
    }
}
