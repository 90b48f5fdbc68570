// Desired hashes, over both stores.

import Model
import Store
import TestRedis
import Testing

@Suite(.privateRedis) struct ResourceConformanceTests {
    let key = ResourceKey(.app, "webapp")

    @Test(arguments: StoreKind.allCases)
    func `a generation counts the changes, and an unchanged apply is none`(_ kind: StoreKind) async throws {
        try await withStore(kind) { bench async throws in
            let store = bench.store
            #expect(try await store.apply(draft()) == ApplyResult(change: .created, generation: 1))
            #expect(try await store.apply(draft()) == ApplyResult(change: .unchanged, generation: 1))
            let moved = draft(digest: "d2", config: ["nginx_port": "8081", "mysql_host": "db"])
            #expect(try await store.apply(moved) == ApplyResult(change: .configured, generation: 2))
            let stored = try #require(try await store.resource(key))
            #expect(stored.config == moved.config && stored.manifest == moved.manifest && stored.digest == "d2")
            #expect(stored.generation == 2 && stored.appliedBy == "alice")
            #expect(try await store.apply(draft(digest: "d3", config: [:])).generation == 3)
            #expect(try await store.resource(key)?.config == [:])
            #expect(try await store.resources(.app).map(\.key) == [key])
            #expect(try await store.resources(.server).isEmpty)
            #expect(try await store.resource(ResourceKey(.server, "webapp")) == nil)
        }
    }

    @Test(arguments: StoreKind.allCases)
    func `an apply that expects another generation is a conflict and writes nothing`(_ kind: StoreKind) async throws {
        try await withStore(kind) { bench async throws in
            let store = bench.store
            await expectError(.conflict(found: "nothing")) { _ = try await store.apply(draft(expecting: 1)) }
            #expect(try await store.apply(draft(expecting: 0)).generation == 1)
            await expectError(.conflict(found: "generation 1")) {
                _ = try await store.apply(draft(digest: "d2", expecting: 0))
            }
            await expectError(.conflict(found: "generation 1")) {
                _ = try await store.apply(draft(digest: "d2", expecting: 7))
            }
            await expectError(.conflict(found: "generation 1")) {
                _ = try await store.delete(key, by: "bob", expectedGeneration: 7)
            }
            #expect(try await store.resource(key)?.digest == "d1")
            #expect(try await store.apply(draft(digest: "d2", expecting: 1)).generation == 2)
        }
    }

    @Test(arguments: StoreKind.allCases)
    func `a deletion leaves a tombstone, which an apply clears and whose generation goes on`(
        _ kind: StoreKind
    ) async throws {
        try await withStore(kind) { bench async throws in
            let store = bench.store
            #expect(try await store.delete(key, by: "bob", expectedGeneration: nil) == false)
            _ = try await store.apply(draft())
            _ = try await store.apply(draft(digest: "d2"))
            #expect(try await store.delete(key, by: "bob the builder", expectedGeneration: 2))
            #expect(try await store.resource(key) == nil)
            #expect(try await store.resources(.app).isEmpty)
            let tombstone = try #require(try await store.tombstones(.app).first)
            #expect(tombstone.key == key && tombstone.generation == 2 && tombstone.deletedBy == "bob the builder")
            #expect(try await store.tombstones(.server).isEmpty)
            #expect(try await store.apply(draft()) == ApplyResult(change: .created, generation: 3))
            #expect(try await store.tombstones(.app).isEmpty)
        }
    }

    @Test(arguments: StoreKind.allCases)
    func `contents are kept as long as a kept manifest names them`(_ kind: StoreKind) async throws {
        try await withStore(kind) { bench async throws in
            let store = bench.store
            let bytes: [UInt8] = [0, 255, 13, 10]
            _ = try await store.apply(draft(blobs: ["b1": bytes, "b2": []]))
            #expect(try await store.blob("b1", of: key) == bytes)
            #expect(try await store.blob("b2", of: key) == [])
            #expect(try await store.blob("b3", of: key) == nil)
            _ = try await store.apply(draft(digest: "e0", blobs: ["b3": [1]]))
            #expect(try await store.blob("b1", of: key) == bytes)
            for number in 1..<StoreBounds.historyEntries {
                _ = try await store.apply(draft(digest: "e\(number)", blobs: ["b3": [1]]))
            }
            #expect(try await store.blob("b1", of: key) == nil)
            #expect(try await store.blob("b3", of: key) == [1])
            _ = try await store.delete(key, by: "bob", expectedGeneration: nil)
            #expect(try await store.blob("b3", of: key) == nil)
        }
    }

    @Test(arguments: StoreKind.allCases)
    func `entries edited by hand are found, in any way they differ`(_ kind: StoreKind) async throws {
        try await withStore(kind) { bench async throws in
            let store = bench.store
            _ = try await store.apply(draft(config: ["a": "1", "b": "2"]))
            _ = try await store.apply(draft("other"))
            #expect(try await store.handEdits(shard: key.shard).isEmpty)
            for edits in [["a": "9"], ["b": nil], ["c": ""], ["b": nil, "c": "2"]] as [[String: String?]] {
                for (name, value) in edits { try await bench.editConfig(key, name, value) }
                #expect(try await store.handEdits(shard: key.shard) == [key])
                let again = try await store.apply(draft(config: ["a": "1", "b": "2"]))
                #expect(again.change == .configured)
                #expect(try await store.resource(key)?.config == ["a": "1", "b": "2"])
                #expect(try await store.handEdits(shard: key.shard).isEmpty)
            }
        }
    }

    @Test(arguments: StoreKind.allCases)
    func `an edit is absorbed as a new generation, if it still is that edit`(_ kind: StoreKind) async throws {
        try await withStore(kind) { bench async throws in
            let store = bench.store
            let lease = try await store.lead()
            await expectError(.notFound("App/webapp")) {
                _ = try await store.absorbEdit(draft(expecting: 1), lease: lease)
            }
            _ = try await store.apply(draft(blobs: ["b1": [1]]))
            try await bench.editConfig(key, "nginx_port", "9090")
            let edited = draft(digest: "d2", config: ["nginx_port": "9090"], manifest: "names b1", expecting: 1)
            try await bench.editConfig(key, "nginx_port", "9091")
            await expectError(.conflict(found: "other config entries")) {
                _ = try await store.absorbEdit(edited, lease: lease)
            }
            try await bench.editConfig(key, "nginx_port", "9090")
            #expect(try await store.absorbEdit(edited, lease: lease).generation == 2)
            #expect(try await store.handEdits(shard: key.shard).isEmpty)
            #expect(try await store.blob("b1", of: key) == [1])
            await expectError(.conflict(found: "generation 2")) {
                _ = try await store.absorbEdit(edited, lease: lease)
            }
        }
    }

    @Test(arguments: StoreKind.allCases)
    func `a refused edit is set back, and the event says why`(_ kind: StoreKind) async throws {
        try await withStore(kind) { bench async throws in
            let store = bench.store
            let lease = try await store.lead()
            _ = try await store.apply(draft())
            try await bench.editConfig(key, "nginx_port", "many")
            try await bench.editConfig(key, "extra", "1")
            let refusal = event("nginx_port: expected an integer", subject: "App/webapp")
            await expectError(.conflict(found: "generation 1")) {
                try await store.refuseEdit(of: key, restoring: ["nginx_port": "1"], event: refusal, lease: lease)
            }
            try await store.refuseEdit(of: key, restoring: ["nginx_port": "8080"], event: refusal, lease: lease)
            #expect(try await store.resource(key)?.config == ["nginx_port": "8080"])
            #expect(try await store.resource(key)?.generation == 1)
            #expect(try await store.events(limit: 5) == [refusal])
            #expect(try await store.handEdits(shard: key.shard).isEmpty)
        }
    }

    @Test(arguments: StoreKind.allCases)
    func `a removal is confirmed for the present generation only`(_ kind: StoreKind) async throws {
        try await withStore(kind) { bench async throws in
            let store = bench.store
            await expectError(.notFound("App/webapp")) { try await store.confirmRemoval(of: key, generation: 1) }
            _ = try await store.apply(draft())
            await expectError(.conflict(found: "generation 1")) {
                try await store.confirmRemoval(of: key, generation: 2)
            }
            #expect(try await store.resource(key)?.removalConfirmedGeneration == nil)
            try await store.confirmRemoval(of: key, generation: 1)
            #expect(try await store.resource(key)?.removalConfirmedGeneration == 1)
        }
    }

    @Test(arguments: StoreKind.allCases)
    func `an older manifest that a person goes on with gets a generation above the one that is known`(
        _ kind: StoreKind
    ) async throws {
        try await withStore(kind) { bench async throws in
            let store = bench.store
            await expectError(.notFound("App/webapp")) {
                _ = try await store.raise(key, generation: 1, above: 7, by: "ops")
            }
            _ = try await store.apply(draft())
            await expectError(.conflict(found: "generation 1")) {
                _ = try await store.raise(key, generation: 2, above: 7, by: "ops")
            }
            let before = try #require(try await store.resource(key))
            #expect(try await store.raise(key, generation: 1, above: 7, by: "ops") == 8)
            let after = try #require(try await store.resource(key))
            #expect(after.generation == 8 && after.manifest == before.manifest && after.digest == before.digest)
            #expect(try await store.apply(draft()).change == .unchanged)
        }
    }

    @Test(arguments: StoreKind.allCases)
    func `a generation that is raised is one of the history`(_ kind: StoreKind) async throws {
        try await withStore(kind) { bench async throws in
            let store = bench.store
            _ = try await store.apply(draft(digest: "d0", blobs: ["b0": [0]]))
            for number in 1..<StoreBounds.historyEntries - 1 { _ = try await store.apply(draft(digest: "d\(number)")) }
            let generation = StoreBounds.historyEntries - 1
            #expect(try await store.raise(key, generation: generation, above: 0, by: "ops") == generation + 1)
            #expect(try await store.blob("b0", of: key) == [0], "the history has room for as many")
            _ = try await store.apply(draft(digest: "last"))
            #expect(try await store.blob("b0", of: key) == nil, "and for no more")
        }
    }

    @Test(arguments: StoreKind.allCases)
    func `a status is read as it was written, replaces the one before, and needs its resource`(
        _ kind: StoreKind
    ) async throws {
        try await withStore(kind) { bench async throws in
            let store = bench.store
            let lease = try await store.lead()
            let ready = Condition(
                type: .ready, status: true, reason: "AllReady", message: "3 of 3",
                since: Timestamp(milliseconds: 1_763_706_000_123))
            let full = ResourceStatus(observedGeneration: 2, conditions: [ready], counts: [.ready: 2, .failed: 1])
            await expectError(.notFound("App/webapp")) { try await store.writeStatus(full, of: key, lease: lease) }
            _ = try await store.apply(draft())
            #expect(try await store.status(key) == nil)
            try await store.writeStatus(full, of: key, lease: lease)
            #expect(try await store.status(key) == full)
            let less = ResourceStatus(observedGeneration: 3, conditions: [], counts: [.ready: 3])
            try await store.writeStatus(less, of: key, lease: lease)
            #expect(try await store.status(key) == less)
        }
    }

    @Test(arguments: StoreKind.allCases)
    func `a Schedule is stored, listed, changed and deleted like any other kind`(_ kind: StoreKind) async throws {
        try await withStore(kind) { bench async throws in
            let store = bench.store
            let schedule = ResourceKey(.schedule, "webapp")
            var wanted = draft(config: [:])
            wanted.key = schedule
            let cursor = try await store.feedEnd()
            #expect(try await store.apply(wanted) == ApplyResult(change: .created, generation: 1))
            _ = try await store.apply(draft())
            #expect(try await store.resources(.schedule).map(\.key) == [schedule])
            #expect(try await store.resources(.app).map(\.key) == [key])
            guard case .changes(let changes, _) = try await store.changes(after: cursor, shards: nil, limit: 10) else {
                Issue.record("a gap")
                return
            }
            #expect(changes.map(\.subject).contains(.resource(schedule)))
            try await bench.editConfig(schedule, "port", "1")
            #expect(try await store.handEdits(shard: schedule.shard) == [schedule])
            let state = ScheduleState(generation: 1, decidedUntil: Timestamp(milliseconds: 1))
            try await store.writeScheduleStates([schedule.name: state], lease: try await store.lead())
            #expect(try await store.delete(schedule, by: "bob", expectedGeneration: 1))
            #expect(try await store.scheduleState(schedule.name) == nil)
            #expect(try await store.tombstones(.schedule).map(\.key) == [schedule])
            #expect(try await store.resources(.schedule).isEmpty)
            #expect(try await store.resources(.app).map(\.key) == [key])
        }
    }
}
