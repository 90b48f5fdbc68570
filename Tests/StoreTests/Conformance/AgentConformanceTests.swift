// Which of several agents stands for a server, over both stores.

import Model
import Store
import TestRedis
import Testing

private let first = AgentIdentity(journal: "1a", boot: "b1", place: "host1:/state")
private let second = AgentIdentity(journal: "2b", boot: "b1", place: "host2:/state")
private let pool = webPool.map { RunQueue.pool($0) } ?? ownQueue

private func done(_ id: String, _ token: String) -> RunCompletion {
    RunCompletion(id: id, token: token, result: .done, exitCode: 0)
}

@Suite(.privateRedis) struct AgentConformanceTests {
    @Test(arguments: StoreKind.allCases)
    func `of two agents of a server one takes work, and the other when that one was not heard of for long`(
        _ kind: StoreKind
    ) async throws {
        try await withStore(kind) { bench async throws in
            let store = bench.store
            _ = try await store.add([runJob("a"), runJob("b")])
            let own = try await store.visit("1a:1", limit: 1, agent: first)
            #expect(own.holder == nil && own.epoch > 0 && own.claims.map(\.job.id) == ["a"])
            let other = try await store.visit("2b:1", boot: true, agent: second)
            let holder = try #require(other.holder)
            #expect(other.claims.isEmpty && other.epoch == 0 && holder.place == "host1:/state")
            #expect(other.nextDueAt == holder.heardAt + AgentBounds.silence)
            // Who names no identity is another too.
            #expect(try await store.visit("t", boot: true).holder == holder)
            try await bench.hushAgent("server1")
            #expect(try await store.visit("t", boot: true).holder != nil)
            let next = try await store.visit("2b:1", boot: true, agent: second)
            #expect(next.holder == nil && next.epoch > own.epoch && next.claims.map(\.job.id) == ["b"])
            #expect(try await store.visit("1a:2", agent: first).holder?.place == "host2:/state")
        }
    }

    @Test(arguments: StoreKind.allCases)
    func `an agent that is restarted stands for its server at once, and has again what it had`(
        _ kind: StoreKind
    ) async throws {
        try await withStore(kind) { bench async throws in
            let store = bench.store
            _ = try await store.add([runJob("a")])
            let before = try await store.visit("1a:1", agent: first)
            let after = try await store.visit("1a:2", boot: true, agent: first)
            #expect(after.claims.map(\.job.id) == ["a"])
            #expect(after.epoch == before.epoch)
        }
    }

    @Test(arguments: StoreKind.allCases)
    func `after its machine started an agent waits for no longer than another, and has again what its journal knows of`(
        _ kind: StoreKind
    ) async throws {
        try await withStore(kind) { bench async throws in
            let store = bench.store
            _ = try await store.add([runJob("a"), runJob("b")])
            _ = try await store.visit("1a:1", limit: 1, lease: .seconds(60), agent: first)
            let later = AgentIdentity(journal: "1a", boot: "b2", place: "host1:/state")
            #expect(try await store.visit("1a:2", boot: true, agent: later).holder != nil)
            try await bench.hushAgent("server1")
            let claims = try await store.visit("1a:2", boot: true, agent: later).claims
            #expect(claims.map(\.job.id) == ["a", "b"] && claims.map(\.attempt) == [1, 1])
        }
    }

    @Test(arguments: StoreKind.allCases)
    func `the queue of plans is taken from by the same agent, and either queue takes the server over for both`(
        _ kind: StoreKind
    ) async throws {
        try await withStore(kind) { bench async throws in
            let store = bench.store
            try await store.commit(commit(job: job("j")), lease: try await store.lead())
            #expect(try await store.visit("1a:1", agent: first).holder == nil)
            let other = try await store.claimed("u", boot: true, agent: second)
            #expect(other.claims.isEmpty && other.holder?.place == "host1:/state")
            #expect(other.nextDueAt == other.holder.map { $0.heardAt + AgentBounds.silence })
            #expect(try await store.claimed("t", agent: first).claims.map(\.job.id) == ["j"])
            try await bench.hushAgent("server1")
            #expect(try await store.claimed("u", boot: true, agent: second).claims.map(\.attempt) == [2])
            #expect(try await store.visit("1a:2", agent: first).holder != nil)
            #expect(try await store.claimed("t", boot: true, agent: first).claims.isEmpty)
        }
    }

    @Test(arguments: StoreKind.allCases)
    func `who lost its server still tells ends and keeps leases, and is given nothing`(_ kind: StoreKind) async throws {
        try await withStore(kind) { bench async throws in
            let store = bench.store
            _ = try await store.add([runJob("a"), runJob("b"), runJob("c"), runJob("r", attempts: 2)])
            let lease: Duration = .seconds(60)
            _ = try await store.visit("1a:1", limit: 2, lease: lease, agent: first)
            try await bench.hushAgent("server1")
            // What the first has begun is not the second's, and its lease goes on.
            let next = try await store.visit("2b:1", limit: 1, boot: true, agent: second)
            #expect(next.claims.map(\.job.id) == ["c"])
            let told = try await store.visit(
                "1a:2", boot: true, ended: [done("a", "1a:1")], held: [RunAttempt(id: "b", token: "1a:1")],
                agent: first)
            #expect(told.holder != nil && told.lost.isEmpty && told.claims.isEmpty)
            #expect(try await store.state("a") == .done)
            #expect(try await store.state("b") == .active)
            #expect(try await store.state("r") == .ready)
        }
    }

    @Test(arguments: StoreKind.allCases)
    func `what another agent had begun is done again where it may be, and is in doubt until that agent speaks`(
        _ kind: StoreKind
    ) async throws {
        try await withStore(kind) { bench async throws in
            let store = bench.store
            _ = try await store.add([runJob("once"), runJob("unheard"), runJob("again", isRepeatable: true)])
            _ = try await store.visit("1a:1", lease: .milliseconds(10), agent: first)
            try await bench.pass(.milliseconds(15))
            try await bench.hushAgent("server1")
            let next = try await store.visit("2b:1", lease: .seconds(60), boot: true, agent: second)
            #expect(next.claims.map(\.job.id) == ["again"] && next.claims.map(\.attempt) == [2])
            for id in ["once", "unheard"] {
                let doubtful = try #require(try await store.runs([id], on: ownQueue)[0])
                #expect(doubtful.state == .dead)
                #expect(doubtful.error?.hasPrefix("in doubt: another agent of server1 had begun it") == true)
            }
            let told = try await store.visit(
                "1a:2", ended: [done("once", "1a:1"), done("again", "1a:1")], agent: first)
            #expect(told.lost == ["again"] && told.claims.isEmpty)
            #expect(try await store.state("once") == .done)
            // Its next life has the journal.
            try await bench.hushAgent("server1")
            let back = try await store.visit("1a:3", boot: true, agent: first)
            #expect(back.claims.map(\.job.id) == ["unheard"] && back.claims.map(\.attempt) == [1])
        }
    }

    @Test(arguments: StoreKind.allCases)
    func `an agent's own attempts come back to it after their lease, whatever was in between`(
        _ kind: StoreKind
    ) async throws {
        try await withStore(kind) { bench async throws in
            let store = bench.store
            _ = try await store.add([runJob("a")])
            _ = try await store.visit("1a:1", lease: .milliseconds(10), agent: first)
            try await bench.pass(.milliseconds(15))
            try await bench.hushAgent("server1")
            #expect(try await store.visit("1a:2", agent: first).claims.map(\.attempt) == [2])
        }
    }

    @Test(arguments: StoreKind.allCases)
    func `a pool gives nothing to an agent of a server for which it met a later one`(_ kind: StoreKind) async throws {
        try await withStore(kind) { bench async throws in
            let store = bench.store
            try await store.join(try #require(webPool), servers: ["server1", "server2"])
            _ = try await store.add(["a", "b", "c"].map { runJob($0) }, on: pool)
            let one = try await store.visit("1a:1", agent: first).epoch
            let early = try await store.visit("1a:2", on: pool, limit: 1, agent: first, epoch: one)
            #expect(early.claims.map(\.job.id) == ["a"] && early.holder == nil)
            try await bench.hushAgent("server1")
            let two = try await store.visit("2b:1", agent: second).epoch
            // The boot of one agent does not take what the other has begun.
            let next = try await store.visit("2b:2", on: pool, limit: 1, boot: true, agent: second, epoch: two)
            #expect(next.claims.map(\.job.id) == ["b"])
            let late = try await store.visit(
                "1a:3", on: pool, boot: true, ended: [done("a", "1a:2")], agent: first, epoch: one)
            #expect(late.holder != nil && late.claims.isEmpty && late.lost.isEmpty)
            #expect(try await store.state("a", on: pool) == .done)
            #expect(try await store.state("c", on: pool) == .ready)
            #expect(try await store.visit("o", on: pool, by: "server2").claims.map(\.job.id) == ["c"])
            // Nothing is kept of who is no member.
            try await store.leave(try #require(webPool), server: "server1")
            #expect(try await store.visit("1a:4", on: pool, agent: first, epoch: one).holder == nil)
        }
    }

    @Test(arguments: StoreKind.allCases)
    func `what another agent reports does not count`(_ kind: StoreKind) async throws {
        try await withStore(kind) { bench async throws in
            let store = bench.store
            let values = ["root": "/"]
            // As long as none takes work, each may say what it sees.
            try await store.report(ServerReport(server: "server1", values: values, full: true, agent: second))
            try await store.commit(commit(job: job("j")), lease: try await store.lead())
            #expect(try await store.claimed("u", agent: second).claims.count == 1)
            try await bench.hushAgent("server1")
            _ = try await store.visit("1a:1", agent: first)
            var own = report([page: "absent"])
            own.agent = first
            _ = try await store.report(own)
            var other = report([page: "done"])
            other.agent = second
            let refusal = StoreError.conflict(found: "another agent stands for this server")
            await expectError(refusal) { _ = try await store.report(other) }
            await expectError(refusal) {
                try await store.report(
                    ServerReport(server: "server1", values: ["root": "/x"], full: true, agent: second))
            }
            // The end of what it had begun is recorded, without what it sees.
            try await store.complete(
                server: "server1", id: "j", token: "u", result: .done, output: "", report: other)
            #expect(try await store.job(server: "server1", id: "j")?.state == .done)
            #expect(try await store.instance(webapp).observed?.fields[page] == "absent")
            #expect(try await store.observedServer("server1")?.values == values)
        }
    }

    @Test(arguments: StoreKind.allCases)
    func `in a store that lost everything the agent that asks first stands for the server`(
        _ kind: StoreKind
    ) async throws {
        try await withStore(kind) { bench async throws in
            let store = bench.store
            let before = try await store.visit("1a:1", agent: first)
            try await bench.loseEverything()
            let after = try await store.visit("2b:1", agent: second)
            #expect(after.holder == nil && after.epoch >= before.epoch)
            #expect(try await store.visit("1a:2", agent: first).holder != nil)
        }
    }
}
