import Reconcilers
import Testing

@Suite struct RemovalAuthorityTests {
    private func authority(_ resource: Declaration, _ server: Declaration, known: Int = 2) -> RemovalAuthority? {
        RemovalAuthority(resource: resource, server: server, known: known)
    }

    @Test func `absence alone takes nothing away`() {
        #expect(authority(.absent, .absent) == nil)
        #expect(authority(.absent, .declared(generation: 1)) == nil)
        #expect(authority(.absent, .deleted(by: "anna", generation: 9)) == nil)
        #expect(authority(.declared(generation: 2), .absent) == nil)
    }

    @Test func `who deleted the App or its Server said so`() {
        let (app, server) = (
            Declaration.deleted(by: "anna", generation: 2), Declaration.deleted(by: "bob", generation: 1)
        )
        #expect(authority(app, .declared(generation: 1)) == .deleted(by: "anna"))
        #expect(authority(app, .absent) == .deleted(by: "anna"))
        #expect(authority(app, server) == .deleted(by: "anna"))
        #expect(authority(.declared(generation: 2), server) == .deleted(by: "bob"))
    }

    @Test func `a tombstone older than what the server knows says nothing`() {
        #expect(authority(.deleted(by: "anna", generation: 1), .declared(generation: 1)) == nil)
    }

    @Test func `a placement that moved says so by the generation of its App`() {
        #expect(authority(.declared(generation: 3), .declared(generation: 1)) == .placementMoved(generation: 3))
    }
}
