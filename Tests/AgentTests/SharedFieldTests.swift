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

    @Test func `what two have is handed to the one that stays, and goes with it`() throws {
        let bench = try Bench()
        let fields: [DesiredField] = [.directory("/d"), .file("/d/f", "x")]
        bench.assign(["a": fields, "b": fields])
        #expect(bench.apply("a", fields)?.result == .done)
        #expect(bench.remove("a", fields.map(\.key))?.gone == true)
        #expect(Disk.text(bench.root + "/d/f") == "x")
        #expect(bench.made[Bench.id("a")] == nil)
        #expect(bench.made[Bench.id("b")]?.count == 2)
        // The store has not yet heard that the first is gone: nothing is handed back to it.
        #expect(bench.remove("b", fields.map(\.key))?.gone == true)
        #expect(Disk.names(bench.root) == [])
        #expect(bench.made.isEmpty)
    }

    @Test func `of two that go at the same time nothing is left behind`() async throws {
        for _ in 0..<50 {
            let bench = try Bench()
            let fields: [DesiredField] = [.directory("/d"), .directory("/e"), .file("/d/f", "x"), .file("/e/f", "x")]
            bench.assign(["a": fields, "b": fields])
            #expect(bench.apply("a", fields + [.file("/p/q/a", "x")])?.result == .done)
            #expect(bench.apply("b", [.file("/p/q/b", "x")])?.result == .done)
            let hands = WorkerPool(name: "test", maximum: 2)
            async let first = hands.run { bench.remove("a", fields.map(\.key) + [FieldKey(.file, "/p/q/a")])?.gone }
            async let second = hands.run { bench.remove("b", fields.map(\.key) + [FieldKey(.file, "/p/q/b")])?.gone }
            #expect(await [first, second] == [true, true])
            #expect(Disk.names(bench.root) == [])
            #expect(bench.made.isEmpty)
        }
    }
}
