// What the planner of runs needs to know of the fleet, from what is stored.

internal import Manifests
internal import Model
internal import Reconcilers
internal import Store

enum FleetOfRuns {
    /// Named servers and a named App are read alone, however many others there are. Where one of them is not there,
    /// everything is read: whoever is told so is told too what was meant.
    static func read(for request: RunRequest, _ store: any OperationsStore) async throws -> RunFleet {
        if let named = try await named(by: request, store) { return fleet(of: named) }
        let known = try await Desired.stored(store)
        var fleet = fleet(of: known.readable)
        if let app = RequestPlanner.asksForInstances(request, fleet.apps) {
            fleet.instances[app] = try await Fleet.instanceIDs(store).filter { $0.app == app }.map(\.server)
        }
        return fleet
    }

    private static func named(by request: RunRequest, _ store: any OperationsStore) async throws -> [KnownResource]? {
        guard case .servers(let names) = request.targets else { return nil }
        var keys = names.map { ResourceKey(.server, $0) }
        if case .action(let app, _) = request.work { keys.append(ResourceKey(.app, app)) }
        var known: [KnownResource] = []
        for key in keys {
            guard let stored = try await Desired.resource(key, in: store), let read = try? Desired.read(stored) else {
                return nil
            }
            known.append(read)
        }
        return known
    }

    private static func fleet(of resources: [KnownResource]) -> RunFleet {
        var fleet = RunFleet(servers: [:], apps: [:])
        for resource in resources {
            switch resource.manifest.spec {
            case .server(let spec):
                fleet.servers[resource.key.name] = RunFleet.Server(
                    labels: resource.manifest.metadata.labels, address: spec.address)
            case .app(let spec): fleet.apps[resource.key.name] = spec
            case .schedule: break
            }
        }
        return fleet
    }
}
