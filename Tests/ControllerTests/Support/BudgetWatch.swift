// How much of an App is down at one time, as the store knows it.

import Model
import Store

/// Counts how many instances that were once well are in the hands of a job at one time.
actor BudgetWatch {
    private let world: World
    private let app: String
    private let servers: [String]
    private(set) var most = 0

    init(world: World, app: String, servers: [String]) {
        self.world = world
        self.app = app
        self.servers = servers
    }

    func look() async throws {
        var busy = 0
        for server in servers {
            let control = try await world.store.instance(InstanceID(app: app, server: server)).control
            if control?.openJob != nil { busy += 1 }
        }
        most = max(most, busy)
    }
}
