// The way to the inbox.

import Store

extension FaultyStore: InboxStore {
    func lookIntoInbox(_ lists: [String]) async throws(StoreError) -> InboxLook {
        try await call { store throws(StoreError) in try await store.lookIntoInbox(lists) }
    }
    func takeFromInbox(_ lists: [String], lease: Lease) async throws(StoreError) -> [InboxItem] {
        try await call { store throws(StoreError) in try await store.takeFromInbox(lists, lease: lease) }
    }
    func settleInbox(_ settlements: [InboxSettlement], lease: Lease) async throws(StoreError) {
        try await call { store throws(StoreError) in try await store.settleInbox(settlements, lease: lease) }
    }
    func inboxRecord(_ id: String) async throws(StoreError) -> InboxRecord? {
        try await call { store throws(StoreError) in try await store.inboxRecord(id) }
    }
    func refusedInbox(limit: Int) async throws(StoreError) -> [RefusedItem] {
        try await call { store throws(StoreError) in try await store.refusedInbox(limit: limit) }
    }
}
