// The change feed, over both stores.

import Model
import Store
import TestRedis
import Testing

@Suite(.privateRedis) struct FeedConformanceTests {
    @Test(arguments: StoreKind.allCases)
    func `every write that matters names its key once, and the cursor goes on from there`(
        _ kind: StoreKind
    ) async throws {
        try await withStore(kind) { bench async throws in
            let store = bench.store
            let lease = try await store.lead()
            let key = ResourceKey(.app, "webapp")
            var cursor = try await store.feedEnd()
            func next() async throws -> [Change] {
                guard
                    case .changes(let changes, let end) = try await store.changes(
                        after: cursor, shards: nil, limit: 100)
                else { throw NotLeading() }
                cursor = end
                return changes
            }
            let resource = Change.Subject.resource(key)
            _ = try await store.apply(draft())
            _ = try await store.apply(draft())
            #expect(try await next() == [Change(subject: resource, what: "applied")])
            #expect(try await next() == [])
            try await store.confirmRemoval(of: key, generation: 1)
            try await bench.editConfig(key, "nginx_port", "1")
            _ = try await store.absorbEdit(
                draft(digest: "d2", config: ["nginx_port": "1"], expecting: 1), lease: lease)
            _ = try await store.delete(key, by: "bob", expectedGeneration: nil)
            #expect(try await next().map(\.what) == ["confirmed", "edited", "deleted"])
            let own = InstanceID(app: nil, server: "server1")
            try await store.commit(commit(own), lease: lease)
            _ = try await store.report(report([page: "x"]))
            let expected = [
                Change(subject: .instance(own), what: "committed"),
                Change(subject: .instance(webapp), what: "observed"),
            ]
            #expect(try await next() == expected)
        }
    }

    @Test(arguments: StoreKind.allCases)
    func `a reader takes as much of each shard as it asks for`(_ kind: StoreKind) async throws {
        try await withStore(kind) { bench async throws in
            let store = bench.store
            let start = try await store.feedEnd()
            for number in 1...5 { _ = try await store.report(report([page: "\(number)"])) }
            var cursor = start
            var counts: [Int] = []
            for _ in 0..<4 {
                guard
                    case .changes(let changes, let end) = try await store.changes(
                        after: cursor, shards: [webapp.shard], limit: 2)
                else { throw NotLeading() }
                cursor = end
                counts.append(changes.count)
            }
            #expect(counts == [2, 2, 1, 0])
            let other = (webapp.shard + 1) % StoreLayout.shards
            #expect(try await store.changes(after: start, shards: [other], limit: 9) == .changes([], start))
        }
    }

    @Test(arguments: StoreKind.allCases)
    func `a store that was emptied under a reader is a gap, never silence`(_ kind: StoreKind) async throws {
        try await withStore(kind) { bench async throws in
            let store = bench.store
            _ = try await store.apply(draft())
            let cursor = try await store.feedEnd()
            try await bench.loseEverything()
            guard case .gap(let end, let why) = try await store.changes(after: cursor, shards: nil, limit: 9) else {
                Issue.record("expected a gap")
                return
            }
            #expect(why.contains("are not there any more"))
            #expect(try await store.changes(after: end, shards: nil, limit: 9) == .changes([], end))
            _ = try await store.apply(draft())
            guard case .gap = try await store.changes(after: cursor, shards: nil, limit: 9) else {
                Issue.record("expected a gap")
                return
            }
            #expect(try await store.tombstones(.app).isEmpty)
        }
    }

    @Test(arguments: StoreKind.allCases)
    func `a reader that the bound passed sees a gap, from the start and from the middle`(
        _ kind: StoreKind
    ) async throws {
        try await withStore(kind) { bench async throws in
            let store = bench.store
            let start = try await store.feedEnd()
            _ = try await store.report(report([page: "first"]))
            let middle = try await store.feedEnd()
            try await withThrowingTaskGroup(of: Void.self) { group in
                for worker in 0..<8 {
                    group.addTask {
                        let id = InstanceID(app: "app\(worker)", server: "server1")
                        for number in 0..<(StoreBounds.feedEntries / 8 + 50) {
                            _ = try await store.report(report([page: "\(number)"], of: id))
                        }
                    }
                }
                try await group.waitForAll()
            }
            for cursor in [start, middle] {
                guard case .gap = try await store.changes(after: cursor, shards: nil, limit: 9) else {
                    Issue.record("expected a gap after \(cursor.positions[webapp.shard])")
                    continue
                }
            }
        }
    }

    @Test(arguments: StoreKind.allCases)
    func `hints name the shard in which something was written`(_ kind: StoreKind) async throws {
        try await withStore(kind) { bench async throws in
            let store = bench.store
            var hints = try await store.hints().makeAsyncIterator()
            _ = try await store.report(report([page: "x"]))
            #expect(await hints.next() == webapp.shard)
            _ = try await store.apply(draft())
            #expect(await hints.next() == ResourceKey(.app, "webapp").shard)
        }
    }
}
