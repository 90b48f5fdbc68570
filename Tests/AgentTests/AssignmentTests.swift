// Which assignments an agent takes: it goes forward, never back.

import Agent
import Model
import Testing

@Suite struct AssignmentTests {
    private static let id = InstanceID(app: "webapp", server: "server1")

    private func assignment(_ generation: Int) -> Assignment {
        Assignment(id: Self.id, generation: generation, digest: "d\(generation)", fields: [])
    }

    // F22: an older copy of the store is restored (argo-cd#9227, #18780).
    @Test func `an assignment of an older generation is not taken, one of the same or a newer one is`() {
        let table = ObservedTable()
        #expect(table.assign([assignment(2)], confirmed: true) == [Self.id])
        #expect(table.assign([assignment(1)], confirmed: true) == [])
        #expect(table.generation(of: Self.id) == 2)
        #expect(table.assign([assignment(3)], confirmed: true) == [Self.id])
        #expect(table.generation(of: Self.id) == 3)
    }

    @Test func `the same content under an older number is no step back`() {
        let table = ObservedTable()
        _ = table.assign([assignment(5)], confirmed: true)
        var same = assignment(5)
        same.generation = 3
        #expect(table.assign([same], confirmed: true) == [Self.id])
        #expect(table.generation(of: Self.id) == 3)
    }

    @Test func `what is assigned no more is forgotten, and may come again from the start`() {
        let table = ObservedTable()
        _ = table.assign([assignment(2)], confirmed: true)
        #expect(table.assign([], confirmed: true) == [])
        #expect(table.generation(of: Self.id) == 0)
        #expect(table.assign([assignment(1)], confirmed: true) == [Self.id])
    }
}
