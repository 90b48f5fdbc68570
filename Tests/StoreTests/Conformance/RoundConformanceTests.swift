// Jobs that end while the drift stays, over both stores: rounds, what is said of them, and what counts as none.

import Model
import Store
import TestRedis
import Testing

@Suite(.privateRedis) struct RoundConformanceTests {
    @Test(arguments: StoreKind.allCases)
    func `a job of an epoch that is over ends as cancelled, counts as no round, and may come again`(
        _ kind: StoreKind
    ) async throws {
        try await withStore(kind) { bench async throws in
            let store = bench.store
            let old = try await store.lead()
            try await store.commit(commit(job: job("j1", epoch: old.epoch)), lease: old)
            _ = try await store.claimed("t1")
            try await store.releaseLease(old)
            let new = try await store.lead("n2")
            #expect(new.epoch > old.epoch)
            try await store.completed("t1", .dead(error: "refused: an older epoch"))
            #expect(try await store.jobs(server: "server1", limit: 9).map(\.state) == [.cancelled])
            let control = try #require(try await store.instance(webapp).control)
            #expect(control.openJob == nil && control.round.round == 0)
            try await store.commit(commit(job: job("j1", epoch: new.epoch)), lease: new)
            #expect(try await store.claimed("t2").claims.map(\.job.id) == ["j1"])
        }
    }

    @Test(arguments: StoreKind.allCases)
    func `a claimed job of a generation that is over ends as cancelled, and nothing is said of the next one`(
        _ kind: StoreKind
    ) async throws {
        try await withStore(kind) { bench async throws in
            let store = bench.store
            let lease = try await store.lead()
            try await store.commit(commit(assignment: .set(assignment()), job: job("j1")), lease: lease)
            _ = try await store.claimed("t1")
            try await store.commit(
                commit(openJob: "j1", assignment: .set(assignment(generation: 2))), lease: lease)
            try await store.completed("t1", .dead(error: "refused: an older generation"))
            #expect(try await store.jobs(server: "server1", limit: 9).map(\.state) == [.cancelled])
            #expect(try await store.instance(webapp).control?.round == RoundState())
        }
    }

    @Test(arguments: StoreKind.allCases)
    func `rounds count jobs that ended dead, until one ends well or the generation moves`(
        _ kind: StoreKind
    ) async throws {
        try await withStore(kind) { bench async throws in
            let store = bench.store
            let lease = try await store.lead()
            func run(_ id: String, generation: Int, _ result: AttemptResult) async throws -> RoundState? {
                try await store.commit(commit(job: job(id, generation: generation)), lease: lease)
                _ = try await store.claimed(id)
                try await store.complete(
                    server: "server1", id: id, token: id, result: result, output: "", report: nil)
                return try await store.instance(webapp).control?.round
            }
            try await store.commit(commit(assignment: .set(assignment())), lease: lease)
            #expect(try await run("a", generation: 1, .dead(error: "x"))?.round == 1)
            #expect(try await run("b", generation: 1, .dead(error: "y"))?.round == 2)
            #expect(try await run("c", generation: 1, .done) == RoundState())
            #expect(try await run("d", generation: 1, .dead(error: "x"))?.round == 1)
            #expect(try await run("e", generation: 2, .dead(error: "x"))?.round == 1)
            try await store.commit(commit(assignment: .set(assignment(generation: 3))), lease: lease)
            #expect(try await store.instance(webapp).control?.round == RoundState())
        }
    }

    @Test(arguments: StoreKind.allCases)
    func `a person's retry ends the wait for the next round, and keeps its number`(_ kind: StoreKind) async throws {
        try await withStore(kind) { bench async throws in
            let store = bench.store
            let lease = try await store.lead()
            #expect(try await store.retry(webapp) == false)
            try await store.commit(commit(job: job("j1")), lease: lease)
            #expect(try await store.retry(webapp) == false, "a job that is ready waits for nothing")
            _ = try await store.claimed("t1")
            try await store.completed("t1", .dead(error: "full"))
            let end = try await store.feedEnd()
            #expect(try await store.retry(webapp))
            let round = try #require(try await store.instance(webapp).control).round
            #expect(round.round == 1 && round.endedAt == nil && round.error == "full")
            #expect(try await store.feedEnd() != end)
            #expect(try await store.retry(webapp) == false)
        }
    }

    @Test(arguments: StoreKind.allCases)
    func `a failed attempt's error is the instance's until a job ends well, and a retry makes it due`(
        _ kind: StoreKind
    ) async throws {
        try await withStore(kind) { bench async throws in
            let store = bench.store
            let lease = try await store.lead()
            try await store.commit(commit(job: job("j1")), lease: lease)
            _ = try await store.claimed("t1")
            try await store.completed("t1", .failed(error: "full", retryAfter: .seconds(60)))
            let control = try #require(try await store.instance(webapp).control)
            #expect(control.round == RoundState(error: "full") && control.openJob == "j1")
            #expect(try await store.claimed("t2").claims.isEmpty)
            #expect(try await store.retry(webapp))
            #expect(try await store.claimed("t2").claims.map(\.attempt) == [2])
            try await store.completed("t2", .done)
            #expect(try await store.instance(webapp).control?.round == RoundState())
        }
    }

    @Test(arguments: StoreKind.allCases)
    func `a job that ended well and changed nothing counts as a round`(_ kind: StoreKind) async throws {
        try await withStore(kind) { bench async throws in
            let store = bench.store
            let lease = try await store.lead()
            _ = try await store.report(report([page: "absent"]))
            try await store.commit(commit(revision: 1, assignment: .set(assignment()), job: job("j1")), lease: lease)
            _ = try await store.claimed("t1")
            try await store.completed("t1", .done, report: report([page: "absent"]))
            let control = try #require(try await store.instance(webapp).control)
            #expect(control.openJob == nil && control.round.round == 1 && control.round.generation == 1)
            #expect(control.round.error == "the job ended well and changed nothing")
        }
    }
}
