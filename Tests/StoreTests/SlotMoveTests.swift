// F24 for what is one script: while the slot of its keys moves, Redis answers it with ASK or TRYAGAIN before it has begun,
// and never in the middle. That would be where it makes a key that it did not declare.

import Model
import Redis
import RedisStore
import Store
import TestRedis
import Testing

@Suite(.serialized) struct SlotMoveTests {
    @Test func `while the slot of the inbox moves, each item is taken and settled whole or not at all (F24)`()
        async throws
    {
        try await PrivateCluster.with { cluster in
            try await withRedisStore(cluster.url) { store, client in
                func push(_ item: String) async throws {
                    _ = try await client.send(RedisCommand("RPUSH", key: "t:{ctl}:inbox", [.string(item)]))
                }
                let tooLarge = String(repeating: "x", count: RunBounds.jobBytes + 1)
                let lease = try await store.lead()
                for number in 0..<20 { try await push("\(number)") }
                try await push(tooLarge)
                let items = try await store.takeFromInbox([], lease: lease).filter { !$0.text.isEmpty }
                #expect(items.count == 20)
                // All keys that the scripts declare are there when the move begins.
                try await store.settleInbox([InboxSettlement(id: items[0].id, verdict: .refused("no"))], lease: lease)
                try await push(tooLarge)
                try await push("last")
                var next = 1
                try await cluster.move(slot: try await cluster.slot(of: "t:{ctl}:inbox")) {
                    let id = items[next].id
                    let end = InboxSettlement(id: id, name: "n\(next)", verdict: .refused("no"))
                    try? await store.settleInbox([end], lease: lease)
                    _ = try? await store.takeFromInbox([], lease: lease)
                    next += 1
                }
                let left = Set(try await store.takeFromInbox([], lease: lease).map(\.id))
                for item in items {
                    let record = try await store.inboxRecord(item.id)
                    #expect((record != nil) != left.contains(item.id), "\(item.id): \(String(describing: record))")
                }
                let aside = try await store.refusedInbox(limit: 100)
                #expect(left.count + aside.count == 23)
                for refused in aside {
                    #expect(try await store.inboxRecord(refused.id)?.refusal == refused.reason)
                }
            }
        }
    }

    @Test func `while its slot moves a lock is taken whole or not at all, and it stays known when it was begun (F24)`()
        async throws
    {
        try await PrivateCluster.with { cluster in
            try await withRedisStore(cluster.url) { store, _ in
                func take(_ nonce: String, unlessBegunWithin: Duration? = nil) async throws -> LockAttempt {
                    try await store.acquireLock(
                        "backup", holder: nonce, nonce: nonce, ttl: .milliseconds(1),
                        unlessBegunWithin: unlessBegunWithin)
                }
                guard case .acquired = try await take("a") else { throw NotLeading() }
                let shard = StoreLayout.shard(of: "backup")
                let slot = try await cluster.slot(of: "{s\(shard < 10 ? "0" : "")\(shard)}")
                try await cluster.move(slot: slot) { _ = try? await take("b") }
                guard case .begunRecently = try await take("c", unlessBegunWithin: .seconds(3600)) else {
                    throw NotLeading()
                }
            }
        }
    }
}
