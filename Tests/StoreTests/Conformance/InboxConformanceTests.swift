// The inbox, over both stores.

import Model
import Store
import TestRedis
import Testing

@Suite(.privateRedis) struct InboxConformanceTests {
    private func push(_ bench: StoreBench, _ texts: String..., to list: String? = nil) async throws {
        for text in texts { try await bench.push(Array(text.utf8), list) }
    }

    private func texts(_ items: [InboxItem]) -> [String] { items.map { String(decoding: $0.text, as: UTF8.self) } }

    @Test(arguments: StoreKind.allCases)
    func `what was pushed is taken in order under ids of its own, and stays taken until it is settled`(
        _ kind: StoreKind
    ) async throws {
        try await withStore(kind) { bench async throws in
            let store = bench.store
            let lease = try await store.lead()
            #expect(try await store.lookIntoInbox([]) == InboxLook(hasItems: false))
            #expect(try await store.takeFromInbox([], lease: lease).isEmpty)
            let start = try await store.now().milliseconds
            try await push(bench, "a", "b", "")
            #expect(try await store.lookIntoInbox([]).hasItems)
            let items = try await store.takeFromInbox([], lease: lease)
            #expect(texts(items) == ["a", "b", ""])
            #expect(items.map(\.number) == items.map(\.number).sorted() && Set(items.map(\.id)).count == 3)
            #expect(items.allSatisfy { InboxItem.isGiven(id: $0.id) && $0.number >= start })
            // A crash here: the next look has the same items under the same ids.
            try await push(bench, "c")
            let again = try await store.takeFromInbox([], lease: lease)
            #expect(Array(again.prefix(3)) == items && texts(again) == ["a", "b", "", "c"])
            try await store.settleInbox(
                again.map { InboxSettlement(id: $0.id, verdict: .accepted([])) }, lease: lease)
            #expect(try await store.takeFromInbox([], lease: lease).isEmpty)
            #expect(try await store.lookIntoInbox([]) == InboxLook(hasItems: false))
        }
    }

    @Test(arguments: StoreKind.allCases)
    func `what became of an item is found under its id and under the one that it named`(_ kind: StoreKind) async throws
    {
        try await withStore(kind) { bench async throws in
            let store = bench.store
            let lease = try await store.lead()
            try await push(bench, "x", "y")
            let items = try await store.takeFromInbox([], lease: lease)
            let pool = try #require(Pool("role=web"))
            let jobs = [
                InboxJob(queue: .server("server1"), id: "nightly", outcome: .created),
                InboxJob(queue: .pool(pool), id: "nightly", outcome: .known(.dead)),
            ]
            try await store.settleInbox(
                [
                    InboxSettlement(id: items[0].id, name: "nightly", verdict: .accepted(jobs)),
                    InboxSettlement(id: items[1].id, verdict: .refused("no\nsuch\u{7}step")),
                ], lease: lease)
            let record = try #require(try await store.inboxRecord(items[0].id))
            #expect(record.refusal == nil && record.count == 2)
            #expect(record.jobs == ["server1/nightly", "@role=web/nightly"] && record.states == ["created", "dead"])
            #expect(record.keys.count == 2)
            #expect(try await store.inboxRecord("nightly") == record)
            #expect(try await store.inboxRecord(items[1].id)?.refusal == "no such step")
            #expect(try await store.inboxRecord("none") == nil)
            let refused = try await store.refusedInbox(limit: 10)
            #expect(refused.map(\.id) == [items[1].id] && refused.first?.reason == "no such step")
            #expect(refused.first.map { String(decoding: $0.text, as: UTF8.self) } == "y")
            // A settlement whose answer was lost is sent again, and changes nothing.
            try await store.settleInbox([InboxSettlement(id: items[0].id, verdict: .refused("late"))], lease: lease)
            #expect(try await store.inboxRecord(items[0].id) == record)
            #expect(try await store.refusedInbox(limit: 10).count == 1)
        }
    }

    @Test(arguments: StoreKind.allCases)
    func `a bad repetition of a name hides nothing, and a good one is what is found`(_ kind: StoreKind) async throws {
        try await withStore(kind) { bench async throws in
            let store = bench.store
            let lease = try await store.lead()
            try await push(bench, "1", "2", "3", "4")
            let items = try await store.takeFromInbox([], lease: lease)
            let accepted = InboxSettlement.Verdict.accepted([
                InboxJob(queue: .server("server1"), id: "n", outcome: .created)
            ])
            for (item, verdict) in zip(items, [.refused("bad"), accepted, .refused("bad"), accepted]) {
                try await store.settleInbox(
                    [InboxSettlement(id: item.id, name: "n", verdict: verdict)], lease: lease)
                let wanted = item == items[2] ? items[1].id : item.id
                #expect(try await store.inboxRecord("n")?.id == wanted)
            }
        }
    }

    @Test(arguments: StoreKind.allCases)
    func `who does not lead takes nothing and settles nothing`(_ kind: StoreKind) async throws {
        try await withStore(kind) { bench async throws in
            let store = bench.store
            try await push(bench, "a")
            let nobody = Lease(holder: "x", nonce: "x", epoch: 1)
            await expectError(.fenced(epoch: 0)) { _ = try await store.takeFromInbox([], lease: nobody) }
            let old = try await store.lead()
            let items = try await store.takeFromInbox([], lease: old)
            try await store.releaseLease(old)
            let new = try await store.lead("n2")
            await expectError(.fenced(epoch: new.epoch)) { _ = try await store.takeFromInbox([], lease: old) }
            await expectError(.fenced(epoch: new.epoch)) {
                try await store.settleInbox([InboxSettlement(id: items[0].id, verdict: .refused("x"))], lease: old)
            }
            #expect(try await store.takeFromInbox([], lease: new) == items)
            #expect(try await store.inboxRecord(items[0].id) == nil)
        }
    }

    @Test(arguments: StoreKind.allCases)
    func `an item that is too large is put aside at once, and only its beginning is kept`(_ kind: StoreKind)
        async throws
    {
        try await withStore(kind) { bench async throws in
            let store = bench.store
            let lease = try await store.lead()
            try await bench.push(Array(repeating: 0x78, count: 1 << 20), nil)
            try await bench.push(Array(repeating: 0x79, count: RunBounds.jobBytes), nil)
            // The megabyte was all that one call moves.
            #expect(try await store.takeFromInbox([], lease: lease).isEmpty)
            let items = try await store.takeFromInbox([], lease: lease)
            #expect(items.map(\.text.count) == [RunBounds.jobBytes])
            let refused = try #require(try await store.refusedInbox(limit: 10).first)
            #expect(refused.reason == "expected at most 262144 bytes, found 1048576")
            #expect(refused.text == Array(repeating: 0x78, count: InboxBounds.keptBytes))
            #expect(try await store.inboxRecord(refused.id)?.refusal == refused.reason)
        }
    }

    @Test(arguments: StoreKind.allCases)
    func `binary comes as it was pushed`(_ kind: StoreKind) async throws {
        try await withStore(kind) { bench async throws in
            let lease = try await bench.store.lead()
            let bytes = Array(UInt8.min...UInt8.max) + [0, 0xFF, 0x0A]
            try await bench.push(bytes, nil)
            let items = try await bench.store.takeFromInbox([], lease: lease)
            #expect(items.map(\.text) == [bytes])
            try await bench.store.settleInbox(
                [InboxSettlement(id: items[0].id, verdict: .refused("binary"))], lease: lease)
            #expect(try await bench.store.refusedInbox(limit: 1).first?.text == bytes)
        }
    }

    @Test(arguments: StoreKind.allCases)
    func `no more is taken than is worked on, and no list waits for another`(_ kind: StoreKind) async throws {
        try await withStore(kind) { bench async throws in
            let store = bench.store
            let lease = try await store.lead()
            let list = "{ctl}legacy-\(kind.rawValue)"
            for number in 0..<(2 * InboxBounds.taken) { try await push(bench, "own \(number)") }
            try await push(bench, "other 0", "other 1", to: list)
            let items = try await store.takeFromInbox([list], lease: lease)
            #expect(items.count == InboxBounds.taken)
            #expect(Array(texts(items).prefix(4)) == ["own 0", "other 0", "own 1", "other 1"])
            #expect(try await store.takeFromInbox([list], lease: lease) == items)
            try await store.settleInbox(
                items.map { InboxSettlement(id: $0.id, verdict: .refused("x")) }, lease: lease)
            let more = try await store.takeFromInbox([list], lease: lease)
            #expect(more.count == InboxBounds.taken && texts(more).first == "own \(InboxBounds.taken - 2)")
        }
    }

    @Test(arguments: StoreKind.allCases)
    func `ids go on after everything was lost`(_ kind: StoreKind) async throws {
        try await withStore(kind) { bench async throws in
            try await push(bench, "a")
            let before = try await bench.store.takeFromInbox([], lease: try await bench.store.lead())
            try await bench.loseEverything()
            try await bench.pass(.milliseconds(2))
            try await push(bench, "b")
            let after = try await bench.store.takeFromInbox([], lease: try await bench.store.lead("n2"))
            #expect(after[0].number > before[0].number)
        }
    }

    @Test func `of refused items the oldest go, and records after 7 days`() async throws {
        try await withStore(.memory) { bench async throws in
            let store = bench.store
            let lease = try await store.lead()
            for number in 0..<(InboxBounds.refused + 5) { try await push(bench, "\(number)") }
            var first: String?
            while true {
                let items = try await store.takeFromInbox([], lease: lease)
                if items.isEmpty { break }
                first = first ?? items.first?.id
                try await store.settleInbox(
                    items.map { InboxSettlement(id: $0.id, verdict: .refused("x")) }, lease: lease)
            }
            #expect(try await store.refusedInbox(limit: .max).count == InboxBounds.refused)
            let id = try #require(first)
            #expect(try await store.inboxRecord(id) != nil)
            try await bench.pass(InboxBounds.recordsFor)
            #expect(try await store.inboxRecord(id) == nil)
        }
    }
}
