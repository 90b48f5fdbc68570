// The life of a job, over both stores.

import Model
import Store
import TestRedis
import Testing

@Suite(.privateRedis) struct QueueConformanceTests {
    @Test(arguments: StoreKind.allCases)
    func `jobs are claimed once, oldest first, up to the limit`(_ kind: StoreKind) async throws {
        try await withStore(kind) { bench async throws in
            let store = bench.store
            let lease = try await store.lead()
            for number in 1...3 {
                let id = InstanceID(app: "app\(number)", server: "server1")
                try await store.commit(commit(id, job: job("j\(9 - number)", on: id)), lease: lease)
                try await bench.pass(.milliseconds(2))
            }
            #expect(try await store.claimed("t", limit: 0).claims.isEmpty)
            let first = try await store.claimed("t1", limit: 2)
            #expect(first.claims.map(\.job.id) == ["j8", "j7"])
            #expect(first.claims.allSatisfy { $0.attempt == 1 && $0.token == "t1" })
            #expect(first.nextDueAt == first.claims[0].leaseEndsAt)
            #expect(try await store.claimed("t2").claims.map(\.job.id) == ["j6"])
            #expect(try await store.claimed("t3").claims.isEmpty)
            #expect(
                try await store.claim(server: "x", token: "t", limit: 1, lease: .seconds(1), boot: true, agent: nil)
                    .claims == [])
        }
    }

    @Test(arguments: StoreKind.allCases)
    func `a claim whose answer was lost is given the same again, as the same attempt`(_ kind: StoreKind) async throws {
        try await withStore(kind) { bench async throws in
            let store = bench.store
            let lease = try await store.lead()
            for name in ["j1", "j2"] {
                let id = InstanceID(app: "app-\(name)", server: "server1")
                try await store.commit(commit(id, job: job(name, on: id)), lease: lease)
                try await bench.pass(.milliseconds(2))
            }
            let lost = try await store.claimed("t1", limit: 1)
            let again = try await store.claimed("t1", limit: 1)
            #expect(lost.claims.map(\.job.id) == ["j1"] && again.claims.map(\.job.id) == ["j1"])
            #expect(again.claims.map(\.attempt) == [1])
            #expect(again.claims[0].leaseEndsAt >= lost.claims[0].leaseEndsAt)
            #expect(try await store.claimed("t2").claims.map(\.job.id) == ["j2"])
        }
    }

    @Test(arguments: StoreKind.allCases)
    func `an attempt that ends well frees its instance and writes what was observed`(_ kind: StoreKind) async throws {
        try await withStore(kind) { bench async throws in
            let store = bench.store
            let lease = try await store.lead()
            try await store.commit(commit(job: job("j1")), lease: lease)
            _ = try await store.claimed("t1")
            let end = try await store.feedEnd()
            try await store.completed("t1", .done, report: report([page: "done"]))
            let snapshot = try await store.instance(webapp)
            #expect(snapshot.control?.openJob == nil && snapshot.observed?.fields == [page: "done"])
            #expect(snapshot.observed?.revision == 1)
            let record = try #require(try await store.job(server: "server1", id: "j1"))
            #expect(record.state == .done && record.output == "out" && record.finishedAt != nil && record.dueAt == nil)
            guard case .changes(let changes, _) = try await store.changes(after: end, shards: nil, limit: 9) else {
                throw NotLeading()
            }
            #expect(changes.contains(Change(subject: .instance(webapp), what: "job")))
        }
    }

    @Test(arguments: StoreKind.allCases)
    func `only the active attempt's token completes, and only once counts`(_ kind: StoreKind) async throws {
        try await withStore(kind) { bench async throws in
            let store = bench.store
            let lease = try await store.lead()
            await expectError(.conflict(found: "no such job")) { try await store.completed("t1", .done) }
            try await store.commit(commit(job: job("j1")), lease: lease)
            await expectError(.conflict(found: "ready, attempt 0")) { try await store.completed("t1", .done) }
            _ = try await store.claimed("t1", lease: .milliseconds(5))
            try await bench.pass(.milliseconds(6))
            _ = try await store.claimed("t2")
            await expectError(.conflict(found: "active, attempt 2")) {
                try await store.completed("t1", .done, report: report([page: "done"]))
            }
            #expect(try await store.instance(webapp).observed == nil)
            try await store.completed("t2", .done, report: report([page: "done"]))
            try await store.completed("t2", .done, report: report([page: "absent"]))
            try await store.completed("t2", .dead(error: "no"))
            #expect(try await store.instance(webapp).observed?.fields == [page: "done"])
            #expect(try await store.job(server: "server1", id: "j1")?.state == .done)
            await expectError(.conflict(found: "done, attempt 2")) { try await store.completed("t1", .done) }
        }
    }

    @Test(arguments: StoreKind.allCases)
    func `a failed attempt is delayed, and dead when its attempts are used up`(_ kind: StoreKind) async throws {
        try await withStore(kind) { bench async throws in
            let store = bench.store
            let lease = try await store.lead()
            try await store.commit(commit(job: job("j1", generation: 3)), lease: lease)
            let failed = AttemptResult.failed(error: "no space", retryAfter: .milliseconds(5))
            for attempt in 1...Job.maximumAttempts {
                let reply = try await store.claimed("t\(attempt)")
                #expect(reply.claims.map(\.attempt) == [attempt])
                try await store.completed("t\(attempt)", failed)
                try await store.completed("t\(attempt)", failed)
                guard attempt < Job.maximumAttempts else { break }
                let record = try #require(try await store.job(server: "server1", id: "j1"))
                #expect(record.state == .delayed && record.error == "no space" && record.attempt == attempt)
                #expect(try await store.instance(webapp).control?.openJob == "j1")
                try await bench.pass(.milliseconds(6))
            }
            #expect(try await store.job(server: "server1", id: "j1")?.state == .dead)
            let control = try #require(try await store.instance(webapp).control)
            #expect(control.openJob == nil && control.round.round == 1 && control.round.error == "no space")
            #expect(control.round.generation == 3 && control.round.endedAt != nil)
        }
    }

    @Test(arguments: StoreKind.allCases)
    func `a delayed job is not claimed before it is due, and the claim says when that is`(
        _ kind: StoreKind
    ) async throws {
        try await withStore(kind) { bench async throws in
            let store = bench.store
            let lease = try await store.lead()
            try await store.commit(commit(job: job("j1")), lease: lease)
            _ = try await store.claimed("t1")
            try await store.completed("t1", .failed(error: "no space", retryAfter: .seconds(60)))
            let reply = try await store.claimed("t2", boot: true)
            let due = try #require(try await store.job(server: "server1", id: "j1")?.dueAt)
            #expect(reply.claims.isEmpty && reply.nextDueAt == due && due > reply.now)
        }
    }

    @Test(arguments: StoreKind.allCases)
    func `a job that was cancelled before it was done may come again under its id`(_ kind: StoreKind) async throws {
        try await withStore(kind) { bench async throws in
            let store = bench.store
            let lease = try await store.lead()
            try await store.commit(commit(job: job("j1")), lease: lease)
            try await store.commit(commit(openJob: "j1", cancelUnstarted: true), lease: lease)
            #expect(try await store.job(server: "server1", id: "j1")?.state == .cancelled)
            try await store.commit(commit(job: job("j1")), lease: lease)
            #expect(try await store.instance(webapp).control?.openJob == "j1")
            let record = try #require(try await store.job(server: "server1", id: "j1"))
            #expect(record.state == .ready && record.finishedAt == nil)
            #expect(try await store.claimed("t1").claims.map(\.job.id) == ["j1"])
        }
    }

    @Test(arguments: StoreKind.allCases)
    func `an expired lease gives the job to the next claim, and ends it dead at the last attempt`(
        _ kind: StoreKind
    ) async throws {
        try await withStore(kind) { bench async throws in
            let store = bench.store
            let lease = try await store.lead()
            try await store.commit(commit(job: job("j1")), lease: lease)
            for attempt in 1...Job.maximumAttempts {
                #expect(
                    try await store.claimed("t\(attempt)", lease: .milliseconds(5)).claims.map(\.attempt) == [attempt])
                try await bench.pass(.milliseconds(6))
            }
            let end = try await store.feedEnd()
            #expect(try await store.claimed("t6").claims.isEmpty)
            let record = try #require(try await store.job(server: "server1", id: "j1"))
            #expect(record.state == .dead && record.error == "its lease expired, at attempt 5 of 5")
            #expect(try await store.instance(webapp).control?.round.round == 1)
            #expect(try await store.feedEnd() != end)
        }
    }

    @Test(arguments: StoreKind.allCases)
    func `a restarted executor takes its orphans back at once`(_ kind: StoreKind) async throws {
        try await withStore(kind) { bench async throws in
            let store = bench.store
            let lease = try await store.lead()
            try await store.commit(commit(job: job("j1")), lease: lease)
            _ = try await store.claimed("t1")
            #expect(try await store.claimed("t2").claims.isEmpty)
            let reply = try await store.claimed("t3", boot: true)
            #expect(reply.claims.map(\.attempt) == [2])
            #expect(
                try await store.heartbeat(server: "server1", ids: ["j1"], token: "t1", lease: .seconds(1)) == ["j1"])
            // Its answer was lost, and it is sent again: the same attempt.
            for _ in 0..<Job.maximumAttempts {
                #expect(try await store.claimed("t3", boot: true).claims.map(\.attempt) == [2])
            }
            #expect(try await store.job(server: "server1", id: "j1")?.state == .active)
        }
    }

    @Test(arguments: StoreKind.allCases)
    func `a heartbeat extends the lease and names what is lost`(_ kind: StoreKind) async throws {
        try await withStore(kind) { bench async throws in
            let store = bench.store
            let lease = try await store.lead()
            try await store.commit(commit(job: job("j1")), lease: lease)
            _ = try await store.claimed("t1", lease: .milliseconds(200))
            let lost = try await store.heartbeat(
                server: "server1", ids: ["j1", "other"], token: "t1", lease: .seconds(60))
            #expect(lost == ["other"])
            try await bench.pass(.milliseconds(201))
            #expect(try await store.claimed("t2").claims.isEmpty)
            try await store.completed("t1", .done)
            #expect(
                try await store.heartbeat(server: "server1", ids: ["j1"], token: "t1", lease: .seconds(1)) == ["j1"])
        }
    }

    @Test(arguments: StoreKind.allCases)
    func `a job is taken back only before it starts`(_ kind: StoreKind) async throws {
        try await withStore(kind) { bench async throws in
            let store = bench.store
            let lease = try await store.lead()
            #expect(try await store.cancel(server: "server1", id: "j1") == false)
            try await store.commit(commit(job: job("j1")), lease: lease)
            #expect(try await store.cancel(server: "server1", id: "j1"))
            #expect(try await store.cancel(server: "server1", id: "j1") == false)
            #expect(try await store.claimed("t").claims.isEmpty)
            #expect(try await store.instance(webapp).control?.openJob == nil)
            try await store.commit(commit(job: job("j2")), lease: lease)
            _ = try await store.claimed("t")
            #expect(try await store.cancel(server: "server1", id: "j2") == false)
        }
    }

    @Test(arguments: StoreKind.allCases)
    func `an observe job needs no leader and does not occupy its instance`(_ kind: StoreKind) async throws {
        try await withStore(kind) { bench async throws in
            let store = bench.store
            let lease = try await store.lead()
            try await store.commit(commit(), lease: lease)
            try await store.enqueueObserve(job("o1", kind: .observe, epoch: 0))
            try await store.enqueueObserve(job("o1", kind: .observe, epoch: 0))
            await #expect(throws: StoreError.self) { try await store.enqueueObserve(job("o2")) }
            #expect(try await store.instance(webapp).control?.openJob == nil)
            #expect(try await store.claimed("t").claims.map(\.job.id) == ["o1"])
            try await store.complete(
                server: "server1", id: "o1", token: "t", result: .dead(error: "x"), output: "", report: nil)
            #expect(try await store.instance(webapp).control?.round == RoundState())
        }
    }

    @Test(arguments: StoreKind.allCases)
    func `ended jobs and outputs are kept within bounds`(_ kind: StoreKind) async throws {
        try await withStore(kind) { bench async throws in
            let store = bench.store
            let lease = try await store.lead()
            let long = String(repeating: "é", count: QueueBounds.outputBytes)
            for number in 0...QueueBounds.endedJobsKept {
                let id = String(1000 + number)
                try await store.commit(commit(job: job(id)), lease: lease)
                _ = try await store.claimed(id)
                try await store.complete(
                    server: "server1", id: id, token: id, result: .done, output: long, report: nil)
                if number == 0 { try await bench.pass(.milliseconds(2)) }
            }
            #expect(try await store.jobs(server: "server1", limit: 1000).count == QueueBounds.endedJobsKept)
            #expect(try await store.job(server: "server1", id: "1000") == nil)
            #expect(try await store.jobs(server: "server1", limit: 2).count == 2)
            let output = try #require(try await store.job(server: "server1", id: "1001")?.output)
            #expect(output.utf8.count <= QueueBounds.outputBytes && output.allSatisfy { $0 == "é" })
        }
    }

    @Test(arguments: StoreKind.allCases)
    func `whoever waits for work is woken by a job or an assignment, and not by less`(_ kind: StoreKind) async throws {
        try await withStore(kind) { bench async throws in
            let store = bench.store
            let lease = try await store.lead()
            #expect(try await store.waitForWork(server: "server1", timeout: .milliseconds(20)) == false)
            async let woken = store.waitForWork(server: "server1", timeout: .seconds(20))
            try await store.commit(commit(job: job("j1")), lease: lease)
            #expect(try await woken)
            try await store.commit(commit(openJob: "j1"), lease: lease)
            #expect(try await store.waitForWork(server: "server1", timeout: .milliseconds(20)) == false)
            try await store.commit(commit(openJob: "j1", assignment: .set(assignment())), lease: lease)
            #expect(try await store.waitForWork(server: "server1", timeout: .seconds(20)))
        }
    }
}
