// What more than one instance of a server asks for: one thing, and more than one opinion of it.

import Agent
import Glibc
import Model
import Store
import TestRedis
import Testing

@Suite struct SharedFieldTests {
    /// How many jobs two that disagree may take until they have said so.
    private static let mostJobs = 4

    private static func jobs(_ stage: Stage<InMemoryStore>) async throws -> [JobRecord] {
        try await stage.store.jobs(server: "server1", limit: 100)
    }

    @Test func `of two that want a file differently the one that made it keeps it, and the other is told`() async throws
    {
        let stage = try await Stage()
        let other = stage.neighbour("other")
        stage.desire([.file("/a", "one\n")])
        other.desire([.file("/a", "two\n")])
        try await stage.withAgent { () async throws in
            #expect(try await stage.becomesReady())
            let why = try await other.failure()
            #expect(why?.contains("file:/a: webapp@server1 wants it otherwise (sha256:") == true)
            // What the maker wants is still looked after.
            Disk.write("bad\n", to: stage.root + "/a")
            #expect(try await stage.settle { Disk.text(stage.root + "/a") == "one\n" })
            #expect(try await stage.becomesReady())
            #expect(try await Self.jobs(stage).count <= Self.mostJobs)
            #expect(try await other.decide() == .failed)
        }
    }

    @Test func `of two that want a folder differently that was there before none moves, and both are told`()
        async throws
    {
        let stage = try await Stage()
        let other = stage.neighbour("other")
        Disk.makeFolders(stage.root + "/d")
        stage.desire([.directory("/d", mode: 0o700)])
        other.desire([.directory("/d", mode: 0o711)])
        try await stage.withAgent { () async throws in
            try await stage.decide()
            try await other.decide()
            #expect(try await eventually { try await stage.isObserved })
            #expect(try await eventually { try await other.isObserved })
            let first = try await stage.failure()
            let second = try await other.failure()
            #expect(first?.contains("other@server1 wants it otherwise (directory 0711)") == true)
            #expect(second?.contains("webapp@server1 wants it otherwise (directory 0700)") == true)
            #expect(Disk.mode(stage.root + "/d") == 0o755)
            #expect(try await Self.jobs(stage).count == 2)
        }
    }

    @Test func `two that want a file so that both can be right share it`() async throws {
        let stage = try await Stage()
        let other = stage.neighbour("other")
        stage.desire([.file("/a", "one\n")])
        other.desire([.file("/a", "one\n")])
        try await stage.withAgent { () async throws in
            #expect(try await stage.becomesReady())
            #expect(try await other.becomesReady())
        }
    }
}
