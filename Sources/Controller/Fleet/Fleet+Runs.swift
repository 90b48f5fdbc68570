// What the planner of runs needs to know, from the controller's memory.

package import Model
package import Reconcilers

extension Fleet {
    /// The declared Servers and Apps, and where the instances are that these requests ask for.
    package func runFleet(for requests: [RunRequest]) -> RunFleet {
        var known = RunFleet(servers: [:], apps: [:])
        for server in servers {
            guard server.exists, let compiled = server.compiled else { continue }
            known.servers[server.name] = RunFleet.Server(
                labels: compiled.labels, address: compiled.spec.address, collectorHash: compiled.spec.monitor.hash)
        }
        for app in apps { if app.exists, let compiled = app.compiled { known.apps[app.name] = compiled.spec } }
        for app in Set(requests.compactMap { RequestPlanner.asksForInstances($0, known.apps) }) {
            known.instances[app] = self.app(named: app)?.slots.map { id($0).server }.sorted()
        }
        return known
    }
}
