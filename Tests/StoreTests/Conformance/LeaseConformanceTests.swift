// The lock, the presence line and the fence, over both stores.

import Model
import Store
import TestRedis
import Testing

@Suite(.privateRedis) struct LeaseConformanceTests {
    @Test(arguments: StoreKind.allCases)
    func `a free lock is taken, a held one is not`(_ kind: StoreKind) async throws {
        try await withStore(kind) { bench async throws in
            let store = bench.store
            #expect(try await store.leader() == nil)
            _ = try await store.openPresence(nonce: "n1")
            let first = try await store.acquireLease(holder: "a", nonce: "n1", ttl: .seconds(60), mayPreempt: false)
            guard case .acquired(let lease) = first else { throw NotLeading() }
            #expect(lease.epoch >= (try await store.now().milliseconds) - 60_000)
            let second = try await store.acquireLease(holder: "b", nonce: "n2", ttl: .seconds(60), mayPreempt: false)
            guard case .held(let view) = second else { throw NotLeading() }
            #expect(view.lease == lease && view.isHeld)
            #expect(try await store.leader()?.lease == lease)
        }
    }

    @Test(arguments: StoreKind.allCases)
    func `an acquire whose answer was lost gives the same term again, counted anew`(_ kind: StoreKind) async throws {
        try await withStore(kind) { bench async throws in
            let first = try await bench.store.acquireLease(
                holder: "a", nonce: "n1", ttl: .seconds(60), mayPreempt: false)
            let end = try #require(try await bench.store.leader()?.expiresAt)
            try await bench.pass(.milliseconds(5))
            let again = try await bench.store.acquireLease(
                holder: "a", nonce: "n1", ttl: .seconds(60), mayPreempt: false)
            #expect(first == again)
            #expect(try #require(try await bench.store.leader()?.expiresAt) > end)
        }
    }

    @Test(arguments: StoreKind.allCases)
    func `an expired lock is taken with a higher epoch and cannot be renewed`(_ kind: StoreKind) async throws {
        try await withStore(kind) { bench async throws in
            let store = bench.store
            let first = try await store.acquireLease(
                holder: "a", nonce: "n1", ttl: .milliseconds(20), mayPreempt: false)
            guard case .acquired(let old) = first else { throw NotLeading() }
            try await bench.pass(.milliseconds(21))
            let second = try await store.acquireLease(holder: "b", nonce: "n2", ttl: .seconds(60), mayPreempt: false)
            guard case .acquired(let new) = second else { throw NotLeading() }
            #expect(new.epoch > old.epoch)
            await expectError(.fenced(epoch: new.epoch)) { try await store.renewLease(old, ttl: .seconds(3)) }
            try await store.renewLease(new, ttl: .seconds(3))
        }
    }

    @Test(arguments: StoreKind.allCases)
    func `a holder whose presence line is gone is preempted, and one whose line stands is not`(
        _ kind: StoreKind
    ) async throws {
        try await withStore(kind) { bench async throws in
            let store = bench.store
            let line = try await store.openPresence(nonce: "n1")
            let first = try await store.acquireLease(holder: "a", nonce: "n1", ttl: .seconds(60), mayPreempt: false)
            guard case .acquired(let old) = first else { throw NotLeading() }
            let refused = try await store.acquireLease(holder: "b", nonce: "n2", ttl: .seconds(60), mayPreempt: true)
            guard case .held = refused else { throw NotLeading() }
            await line.close()
            await line.waitUntilLost()
            let patient = try await store.acquireLease(holder: "b", nonce: "n2", ttl: .seconds(60), mayPreempt: false)
            guard case .held = patient else { throw NotLeading() }
            let taken = try await eventually {
                let attempt = try await store.acquireLease(
                    holder: "b", nonce: "n2", ttl: .seconds(60), mayPreempt: true)
                if case .acquired(let new) = attempt { return new.epoch > old.epoch }
                return false
            }
            #expect(taken)
        }
    }

    @Test(arguments: StoreKind.allCases)
    func `a lock given up is free at once, by its holder only, and its epoch is not given out again`(
        _ kind: StoreKind
    ) async throws {
        try await withStore(kind) { bench async throws in
            let store = bench.store
            let lease = try await store.lead()
            try await store.releaseLease(Lease(holder: "a", nonce: "other", epoch: lease.epoch))
            #expect(try await store.leader()?.lease == lease)
            try await store.releaseLease(lease)
            #expect(try await store.leader() == nil)
            await expectError(.fenced(epoch: lease.epoch)) { try await store.renewLease(lease, ttl: .seconds(3)) }
            let next = try await store.acquireLease(holder: "b", nonce: "n2", ttl: .seconds(60), mayPreempt: false)
            guard case .acquired(let new) = next else { throw NotLeading() }
            #expect(new.epoch > lease.epoch)
        }
    }

    @Test(arguments: StoreKind.allCases)
    func `a sealed shard refuses writes of every other term and counts them`(_ kind: StoreKind) async throws {
        try await withStore(kind) { bench async throws in
            let store = bench.store
            let old = Lease(holder: "a", nonce: "n1", epoch: 5)
            await expectError(.fenced(epoch: 0)) { try await store.commit(commit(), lease: old) }
            try await store.seal(old)
            try await store.seal(old)
            try await store.commit(commit(), lease: old)
            let twin = Lease(holder: "b", nonce: "n2", epoch: 5)
            await expectError(.fenced(epoch: 5)) { try await store.seal(twin) }
            let new = Lease(holder: "b", nonce: "n2", epoch: 6)
            try await store.seal(new)
            await expectError(.fenced(epoch: 6)) { try await store.seal(old) }

            let before = try await store.refusedWrites()
            let key = ResourceKey(.app, "webapp")
            _ = try await store.apply(draft())
            let status = ResourceStatus(observedGeneration: 1, conditions: [], counts: [:])
            for lease in [old, twin] {
                await expectError(.fenced(epoch: 6)) { try await store.commit(commit(phase: .ready), lease: lease) }
                await expectError(.fenced(epoch: 6)) { try await store.record(event("x"), lease: lease) }
                await expectError(.fenced(epoch: 6)) { try await store.writeStatus(status, of: key, lease: lease) }
                await expectError(.fenced(epoch: 6)) {
                    _ = try await store.absorbEdit(draft(digest: "d2", expecting: 1), lease: lease)
                }
                await expectError(.fenced(epoch: 6)) {
                    try await store.refuseEdit(of: key, restoring: [:], event: event("x"), lease: lease)
                }
            }
            #expect(try await store.refusedWrites() == before + 10)
            #expect(try await store.instance(webapp).control?.phase == .progressing)
            #expect(try await store.events(limit: 10).isEmpty)
            #expect(try await store.status(key) == nil)
            try await store.commit(commit(phase: .ready), lease: new)
            #expect(try await store.instance(webapp).control?.phase == .ready)
        }
    }
}
