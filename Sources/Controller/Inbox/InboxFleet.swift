// What the jobs of one batch need to know of the fleet: each thing is read once, when it is first needed.

import Manifests
import Model
import Reconcilers
import Store

struct InboxFleet {
    private let store: any ControllerStore
    private var fleet = RunFleet(servers: [:], apps: [:])
    private var knowsAllServers = false

    init(_ store: any ControllerStore) { self.store = store }

    /// All that the planner asks for with this request.
    mutating func read(for request: RunRequest) async throws -> RunFleet {
        if case .action(let app, _) = request.work { try await readApp(app) }
        if case .servers(let names) = request.targets {
            for name in names { try await readServer(name) }
            return fleet
        }
        try await readAllServers()
        if let app = RequestPlanner.asksForInstances(request, fleet.apps), fleet.instances[app] == nil {
            var servers: [String] = []
            for shard in 0..<StoreLayout.shards {
                servers += try await store.instanceIDs(shard: shard).filter { $0.app == app }.map(\.server)
            }
            fleet.instances[app] = servers
        }
        return fleet
    }

    /// What a Schedule runs.
    func schedule(_ name: String) async throws -> RunRequest {
        guard case .schedule(let spec) = try await manifest(ResourceKey(.schedule, name)).spec else {
            throw InboxProblem("Schedule/\(name) holds another kind")
        }
        return spec.request
    }

    private mutating func readApp(_ name: String) async throws {
        guard fleet.apps[name] == nil else { return }
        guard case .app(let spec) = try await manifest(ResourceKey(.app, name)).spec else {
            throw InboxProblem("App/\(name) holds another kind")
        }
        fleet.apps[name] = spec
    }

    private mutating func readServer(_ name: String) async throws {
        guard fleet.servers[name] == nil else { return }
        add(try await manifest(ResourceKey(.server, name)), name: name)
    }

    /// A Server that cannot be read is none; who names it is told.
    private mutating func readAllServers() async throws {
        guard !knowsAllServers else { return }
        for stored in try await store.resources(.server) where stored.problem == nil {
            if let manifest = try? ManifestReader.readStored(stored.manifest) { add(manifest, name: stored.key.name) }
        }
        knowsAllServers = true
    }

    private mutating func add(_ manifest: ManifestResource, name: String) {
        guard case .server(let spec) = manifest.spec else { return }
        fleet.servers[name] = RunFleet.Server(labels: manifest.metadata.labels, address: spec.address)
    }

    private func manifest(_ key: ResourceKey) async throws -> ManifestResource {
        guard let stored = try await store.resource(key) else {
            let nearest = NearestName.of(
                key.name, among: try await store.resources(key.kind).map(\.key.name))
            throw InboxProblem(
                "there is no \(key.kind.rawValue) \(key.name)" + (nearest.map { "; did you mean \($0)?" } ?? ""))
        }
        if let problem = stored.problem { throw InboxProblem("\(key) cannot be read: \(problem)") }
        do throws(ManifestError) { return try ManifestReader.readStored(stored.manifest) } catch {
            throw InboxProblem("\(key) cannot be read: \(error)")
        }
    }
}
