// What observed hashes are compared with. Where no server has a say in an App's fields, all of its instances share one.

import Model
import Reconcilers

struct Expectations {
    private var shared: [String: InstanceExpectation] = [:]

    /// nil where it cannot be said, or where nothing is desired.
    mutating func of(_ source: Work.Source) -> InstanceExpectation? {
        switch source {
        case .nothing: return nil
        case .server(let server, let root): return server.expectation(root: root)
        case .app(let app, let facts):
            guard app.spec.overrides[facts.name] == nil, !app.dependsOnServer(facts.name) else {
                return app.expectation(on: facts)
            }
            if let known = shared[app.name] { return known }
            shared[app.name] = app.expectation(on: facts)
            return shared[app.name]
        }
    }
}
