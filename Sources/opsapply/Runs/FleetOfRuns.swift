// What the planner of runs needs to know of the fleet, from what is stored.

internal import Manifests
internal import Model
internal import Reconcilers
internal import Store

enum FleetOfRuns {
    /// - Parameter request: only for this one; where it names servers, their agents need not be asked for anything.
    static func read(for request: RunRequest, _ store: any OperationsStore) async throws -> RunFleet {
        let known = try await Desired.stored(store)
        var fleet = RunFleet(servers: [:], apps: [:])
        for resource in known.readable {
            switch resource.manifest.spec {
            case .server(let spec):
                fleet.servers[resource.key.name] = RunFleet.Server(
                    labels: resource.manifest.metadata.labels, address: spec.address)
            case .app(let spec): fleet.apps[resource.key.name] = spec
            case .schedule: break
            }
        }
        if let app = RequestPlanner.asksForInstances(request, fleet.apps) {
            fleet.instances[app] = try await Fleet.instanceIDs(store).filter { $0.app == app }.map(\.server)
        }
        return fleet
    }
}
