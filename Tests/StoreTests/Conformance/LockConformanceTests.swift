// Locks of people's scripts, over both stores.

import Model
import Store
import TestRedis
import Testing

@Suite(.privateRedis) struct LockConformanceTests {
    private func take(
        _ store: any OperationsStore, by holder: String, ttl: Duration = .seconds(60), onceIn span: Duration? = nil
    ) async throws -> LockAttempt {
        try await store.acquireLock("backup", holder: holder, nonce: "n-\(holder)", ttl: ttl, unlessBegunWithin: span)
    }

    private func lease(_ attempt: LockAttempt) throws -> Lease {
        guard case .acquired(let lease) = attempt else { throw NotLeading() }
        return lease
    }

    @Test(arguments: StoreKind.allCases)
    func `one of two has the lock, and the other is told who and since when`(_ kind: StoreKind) async throws {
        try await withStore(kind) { bench async throws in
            let store = bench.store
            #expect(try await store.locks().isEmpty)
            let first = try lease(try await take(store, by: "a"))
            guard case .held(let view) = try await take(store, by: "b") else { throw NotLeading() }
            #expect(view.holder == "a" && view.epoch == first.epoch && view.isHeld)
            #expect(view.lastBegunAt.map { $0 <= view.now } == true)
            let listed = try #require(try await store.locks().first)
            #expect(listed.name == "backup" && listed.holder == "a" && listed.isHeld)
            let other = try await store.acquireLock(
                "other", holder: "b", nonce: "n", ttl: .seconds(60), unlessBegunWithin: nil)
            _ = try lease(other)
            #expect(try await store.locks().map(\.name) == ["backup", "other"])
        }
    }

    @Test(arguments: StoreKind.allCases)
    func `an acquire whose answer was lost gives the same lease, also under once-in`(_ kind: StoreKind) async throws {
        try await withStore(kind) { bench async throws in
            let first = try await take(bench.store, by: "a", onceIn: .seconds(60))
            #expect(try await take(bench.store, by: "a", onceIn: .seconds(60)) == first)
        }
    }

    @Test(arguments: StoreKind.allCases)
    func `a lease that is over is taken with a higher epoch, and its old holder can neither renew nor release it`(
        _ kind: StoreKind
    ) async throws {
        try await withStore(kind) { bench async throws in
            let store = bench.store
            let old = try lease(try await take(store, by: "a", ttl: .milliseconds(20)))
            try await bench.pass(.milliseconds(21))
            let new = try lease(try await take(store, by: "b"))
            #expect(new.epoch > old.epoch)
            await expectError(.fenced(epoch: new.epoch)) { try await store.renewLock("backup", old, ttl: .seconds(9)) }
            try await store.releaseLock("backup", old)
            guard case .held(let view) = try await take(store, by: "c") else { throw NotLeading() }
            #expect(view.holder == "b")
            try await store.renewLock("backup", new, ttl: .seconds(90))
        }
    }

    @Test(arguments: StoreKind.allCases)
    func `a renewed lease lasts longer, and one given up is free at once under a higher epoch`(
        _ kind: StoreKind
    ) async throws {
        try await withStore(kind) { bench async throws in
            let store = bench.store
            let first = try lease(try await take(store, by: "a", ttl: .milliseconds(500)))
            try await store.renewLock("backup", first, ttl: .seconds(60))
            try await bench.pass(.milliseconds(501))
            guard case .held = try await take(store, by: "b") else { throw NotLeading() }
            try await store.releaseLock("backup", first)
            await expectError(.fenced(epoch: first.epoch)) {
                try await store.renewLock("backup", first, ttl: .seconds(9))
            }
            let view = try #require(try await store.locks().first)
            #expect(!view.isHeld && view.expiresAt == nil && view.holder == "a")
            #expect(try lease(try await take(store, by: "b")).epoch > first.epoch)
        }
    }

    @Test(arguments: StoreKind.allCases)
    func `what was begun within the asked time is not begun again, held or not, and later it is`(
        _ kind: StoreKind
    ) async throws {
        try await withStore(kind) { bench async throws in
            let store = bench.store
            let first = try lease(try await take(store, by: "a", onceIn: .seconds(60)))
            guard case .begunRecently(let held) = try await take(store, by: "b", onceIn: .seconds(60)) else {
                throw NotLeading()
            }
            #expect(held.holder == "a" && held.isHeld)
            try await store.releaseLock("backup", first)
            guard case .begunRecently(let over) = try await take(store, by: "b", onceIn: .seconds(60)) else {
                throw NotLeading()
            }
            #expect(over.holder == "a" && !over.isHeld && over.epoch == first.epoch)
            try await bench.pass(.milliseconds(30))
            #expect(try lease(try await take(store, by: "b", onceIn: .milliseconds(30))).epoch > first.epoch)
        }
    }

    @Test(arguments: StoreKind.allCases)
    func `a lock that is gone is renewed by nobody`(_ kind: StoreKind) async throws {
        try await withStore(kind) { bench async throws in
            let first = try lease(try await take(bench.store, by: "a"))
            try await bench.loseEverything()
            await expectError(.fenced(epoch: 0)) { try await bench.store.renewLock("backup", first, ttl: .seconds(9)) }
        }
    }

    @Test func `a lock that nobody uses is forgotten after 30 days`() async throws {
        try await withStore(.memory) { bench async throws in
            try await bench.store.releaseLock("backup", try lease(try await take(bench.store, by: "a")))
            try await bench.pass(LockBounds.idle)
            #expect(try await bench.store.locks().isEmpty)
        }
    }
}
