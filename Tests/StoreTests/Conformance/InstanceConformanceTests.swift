// Commits and what is read of instances, over both stores.

import Model
import Store
import Synchronization
import TestRedis
import Testing

@Suite(.privateRedis) struct InstanceConformanceTests {
    @Test(arguments: StoreKind.allCases)
    func `a commit is read as it was written`(_ kind: StoreKind) async throws {
        try await withStore(kind) { bench async throws in
            let store = bench.store
            let lease = try await store.lead()
            #expect(try await store.instance(webapp) == InstanceSnapshot(id: webapp, control: nil, observed: nil))
            try await store.commit(
                commit(assignment: .set(assignment()), job: job("j1"), opened: [drift()], events: [event("a")]),
                lease: lease)
            let control = InstanceControl(
                assignment: assignment(), phase: .progressing, message: "because", openJob: "j1",
                drift: [page: drift()], metDigest: "met")
            #expect(try await store.instance(webapp).control == control)
            #expect(try await store.job(server: "server1", id: "j1")?.job == job("j1"))
            #expect(try await store.events(limit: 5) == [event("a")])
            let list = try await store.assignments(server: "server1")
            #expect(list.revision > 0 && list.assignments == [assignment()])
            #expect(try await store.instanceIDs(shard: webapp.shard) == [webapp])
        }
    }

    @Test(arguments: StoreKind.allCases)
    func `a commit from an observation or an open job that moved is a conflict and writes nothing`(
        _ kind: StoreKind
    ) async throws {
        try await withStore(kind) { bench async throws in
            let store = bench.store
            let lease = try await store.lead()
            await expectError(.conflict(found: "revision 0")) {
                try await store.commit(commit(revision: 3), lease: lease)
            }
            #expect(try await store.instance(webapp).control == nil)
            _ = try await store.report(report([page: "absent"]))
            await expectError(.conflict(found: "revision 1")) {
                try await store.commit(commit(revision: 0, job: job("j1")), lease: lease)
            }
            try await store.commit(commit(revision: 1, job: job("j1")), lease: lease)
            await expectError(.conflict(found: "job j1")) {
                try await store.commit(commit(revision: 1, phase: .ready), lease: lease)
            }
            await expectError(.conflict(found: "job j1 is not over")) {
                try await store.commit(commit(revision: 1, openJob: "j1", job: job("j2")), lease: lease)
            }
            #expect(try await store.instance(webapp).control?.phase == .progressing)
            #expect(try await store.jobs(server: "server1", limit: 9).map(\.job.id) == ["j1"])
            _ = try await store.cancel(server: "server1", id: "j1")
            await expectError(.conflict(found: "no open job")) {
                try await store.commit(commit(revision: 1, openJob: "j1"), lease: lease)
            }
        }
    }

    @Test(arguments: StoreKind.allCases)
    func `an id that is known already is no second job, whatever became of the first`(_ kind: StoreKind) async throws {
        try await withStore(kind) { bench async throws in
            let store = bench.store
            let lease = try await store.lead()
            try await store.commit(commit(job: job("j1")), lease: lease)
            try await store.commit(commit(openJob: "j1", job: job("j1")), lease: lease)
            let claims = try await store.claim(
                server: "server1", token: "t", limit: 9, lease: .seconds(60), boot: false, agent: nil
            ).claims
            #expect(claims.map(\.job) == [job("j1")])
            try await store.complete(
                server: "server1", id: "j1", token: "t", result: .done, output: "", report: nil)
            try await store.commit(commit(job: job("j1")), lease: lease)
            #expect(try await store.instance(webapp).control?.openJob == nil)
            #expect(try await store.job(server: "server1", id: "j1")?.state == .done)
        }
    }

    @Test(arguments: StoreKind.allCases)
    func `a newer generation supersedes a job that has not started, never one that has`(
        _ kind: StoreKind
    ) async throws {
        try await withStore(kind) { bench async throws in
            let store = bench.store
            let lease = try await store.lead()
            try await store.commit(commit(job: job("j1")), lease: lease)
            try await store.commit(
                commit(openJob: "j1", job: job("j2", generation: 2), cancelUnstarted: true), lease: lease)
            #expect(try await store.job(server: "server1", id: "j1")?.state == .cancelled)
            #expect(try await store.instance(webapp).control?.openJob == "j2")
            let claims = try await store.claim(
                server: "server1", token: "t", limit: 9, lease: .seconds(60), boot: false, agent: nil
            ).claims
            #expect(claims.map(\.job.id) == ["j2"])
            await expectError(.conflict(found: "job j2 is not over")) {
                try await store.commit(
                    commit(openJob: "j2", job: job("j3", generation: 3), cancelUnstarted: true), lease: lease)
            }
            try await store.commit(commit(openJob: "j2", phase: .waiting, cancelUnstarted: true), lease: lease)
            #expect(try await store.job(server: "server1", id: "j2")?.state == .active)
            #expect(try await store.instance(webapp).control?.openJob == "j2")
        }
    }

    @Test(arguments: StoreKind.allCases)
    func `only another assignment moves the revision of the server's assignments`(_ kind: StoreKind) async throws {
        try await withStore(kind) { bench async throws in
            let store = bench.store
            let lease = try await store.lead()
            try await store.commit(commit(assignment: .set(assignment())), lease: lease)
            let first = try await store.assignments(server: "server1").revision
            try await store.commit(commit(assignment: .set(assignment())), lease: lease)
            try await store.commit(commit(), lease: lease)
            #expect(try await store.assignments(server: "server1").revision == first)
            try await store.commit(commit(assignment: .set(assignment(generation: 2))), lease: lease)
            let second = try await store.assignments(server: "server1")
            #expect(second.revision > first && second.assignments == [assignment(generation: 2)])
            try await store.commit(commit(assignment: .remove), lease: lease)
            let third = try await store.assignments(server: "server1")
            #expect(third.revision > second.revision && third.assignments.isEmpty)
        }
    }

    @Test(arguments: StoreKind.allCases)
    func `a removed instance leaves nothing, and its next revision goes on from its last`(
        _ kind: StoreKind
    ) async throws {
        try await withStore(kind) { bench async throws in
            let store = bench.store
            let lease = try await store.lead()
            let own = InstanceID(app: nil, server: "server1")
            try await store.commit(commit(assignment: .set(assignment())), lease: lease)
            try await store.commit(commit(own, assignment: .set(assignment(own))), lease: lease)
            #expect(try await store.report(report([page: "absent"])) == 1)
            #expect(try await store.report(report([page: "done"])) == 2)
            #expect(try await store.instanceIDs(shard: webapp.shard) == [own, webapp])
            try await store.commit(commit(revision: 2, assignment: .remove), lease: lease)
            #expect(try await store.instance(webapp) == InstanceSnapshot(id: webapp, control: nil, observed: nil))
            #expect(try await store.instanceIDs(shard: webapp.shard) == [own])
            #expect(try await store.summaries(shard: webapp.shard).isEmpty)
            #expect(try await store.report(report([page: "absent"])) == 3)
        }
    }

    @Test(arguments: StoreKind.allCases)
    func `repaired drift leaves the instance and is in the server's history, newest first`(
        _ kind: StoreKind
    ) async throws {
        try await withStore(kind) { bench async throws in
            let store = bench.store
            let lease = try await store.lead()
            try await store.commit(commit(opened: [drift(), drift(port, observed: "8081")]), lease: lease)
            #expect(try await store.instance(webapp).control?.drift.count == 2)
            try await store.commit(commit(repaired: [drift(repairedAt: 2000)]), lease: lease)
            try await store.commit(commit(repaired: [drift(port, repairedAt: 3000)]), lease: lease)
            #expect(try await store.instance(webapp).control?.drift == [:])
            let history = try await store.driftHistory(server: "server1", limit: 9)
            #expect(history.map(\.1) == [drift(port, repairedAt: 3000), drift(repairedAt: 2000)])
            #expect(history.map(\.0) == [webapp, webapp])
            #expect(try await store.driftHistory(server: "server1", limit: 1).count == 1)
        }
    }

    @Test(arguments: StoreKind.allCases)
    func `many instances are read in order, with those that are not there`(_ kind: StoreKind) async throws {
        try await withStore(kind) { bench async throws in
            let store = bench.store
            let lease = try await store.lead()
            let ids = (0..<200).map { InstanceID(app: "webapp", server: "server\($0)") }
            for id in ids where id.server.hasSuffix("7") {
                try await store.commit(commit(id, assignment: .set(assignment(id))), lease: lease)
                _ = try await store.report(report([port: "80"], of: id, fieldsDigest: "f"))
            }
            let seen = Mutex<[InstanceSnapshot]>([])
            try await store.instances(ids) { snapshot in seen.withLock { $0.append(snapshot) } }
            // Of a cluster, each server answers by itself.
            let places = Dictionary(uniqueKeysWithValues: zip(ids, 0...))
            func inOrder(_ snapshots: [InstanceSnapshot]) -> [InstanceSnapshot] {
                kind == .cluster ? snapshots.sorted { places[$0.id] ?? 0 < places[$1.id] ?? 0 } : snapshots
            }
            let snapshots = inOrder(seen.withLock { $0 })
            #expect(snapshots.map(\.id) == ids)
            for snapshot in snapshots { #expect(try await store.instance(snapshot.id) == snapshot) }
            #expect(snapshots.filter { $0.control?.assignment != nil && $0.observed != nil }.count == 20)

            seen.withLock { $0.removeAll() }
            try await store.instances(ids, assignments: .head) { snapshot in seen.withLock { $0.append(snapshot) } }
            let heads = snapshots.map { snapshot in
                var snapshot = snapshot
                snapshot.control?.assignment?.fields = []
                return snapshot
            }
            #expect(inOrder(seen.withLock { $0 }) == heads)

            let counter = try await store.visitObserved(ids, FieldCounter())
            #expect(counter.hashes == 200 && counter.filled == 20)
            #expect(counter.names.isSuperset(of: ["revision", "generation", "digest", "fieldsDigest", "reportedAt"]))
            #expect(counter.ports == Array(repeating: "80", count: 20))
        }
    }

    @Test(arguments: StoreKind.allCases)
    func `events are kept in order of time, from nobody or from the leader`(_ kind: StoreKind) async throws {
        try await withStore(kind) { bench async throws in
            let store = bench.store
            let lease = try await store.lead()
            try await store.record(event("second", at: 2, subject: "leader"), lease: lease)
            try await store.record(event("first", at: 1, subject: "App/other"), lease: nil)
            try await store.record(event("third", at: 3), lease: lease)
            #expect(try await store.events(limit: 9).map(\.message) == ["first", "second", "third"])
            #expect(try await store.events(limit: 2).map(\.message) == ["second", "third"])
        }
    }
}

private struct FieldCounter: ObservedVisitor {
    var hashes = 0
    var filled = 0
    var names: Set<String> = []
    var ports: [String] = []
    private var entries = 0

    mutating func begin(_ index: Int) { entries = 0 }

    mutating func visit(_ name: UnsafeRawBufferPointer, _ value: UnsafeRawBufferPointer) {
        entries += 1
        let name = String(decoding: name, as: UTF8.self)
        names.insert(name)
        if name == "config:nginx_port" { ports.append(String(decoding: value, as: UTF8.self)) }
    }

    mutating func end(_ index: Int) {
        hashes += 1
        if entries > 0 { filled += 1 }
    }
}
