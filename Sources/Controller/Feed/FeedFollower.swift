// Keeps the fleet up to date with the store: hints say where to look, the streams say what changed, the state itself is
// read. Hints may be lost; every stream is read once a second anyway.
//
// Guarantees: a gap in the feed is answered with a full list, never with silence. The cursor moves on only after what it
// passed was taken in, so that a failed read is repeated from the same place.

import Reconcilers
package import Logging
import Model
package import Store
import Synchronization

package final class FeedFollower: Sendable {
    private struct Inbox {
        var shards: Set<Int> = []
        var isWholeFeedAsked = true
        var waiters: [CheckedContinuation<StoreError?, Never>] = []
        /// Nobody reads any more: who asked now would wait for ever.
        var isOver = false
    }

    private let store: any ControllerStore
    private let loop: ReconcileLoop
    private let clock: StoreClock
    private let configuration: ControllerConfiguration
    private let time: any MonotonicTime
    private let logger: Logger
    private let loader: ResourceLoader
    /// Raised when a Schedule may have changed, which the fleet does not know: whoever waits reads them from the store.
    package let schedulesChanged = Signal()
    private let inbox = Mutex(Inbox())
    private let signal = Signal()

    package init(
        store: any ControllerStore, loop: ReconcileLoop, clock: StoreClock, configuration: ControllerConfiguration,
        time: any MonotonicTime, logger: Logger
    ) {
        self.store = store
        self.loop = loop
        self.clock = clock
        self.configuration = configuration
        self.time = time
        self.logger = logger
        loader = ResourceLoader(store: store, readers: configuration.resourceReaders)
    }

    /// Reads the feed to its end, as it is at some moment after this call. Throws after the end of `run`.
    package func catchUp() async throws(StoreError) {
        let error = await withCheckedContinuation { continuation in
            let isOver = inbox.withLock { inbox in
                if !inbox.isOver { inbox.waiters.append(continuation) }
                return inbox.isOver
            }
            if isOver { continuation.resume(returning: Self.stopping) } else { signal.raise() }
        }
        if let error { throw error }
    }

    /// The first full list, tried until it succeeds; then follows until cancelled.
    /// - Parameter loaded: called once, when the fleet is known.
    package func run(loaded: @Sendable () -> Void) async {
        guard var cursor = await firstList() else { return endWaiters() }
        loaded()
        await withDiscardingTaskGroup { group in
            group.addTask { await self.followHints() }
            var nextPoll = time.now()
            while !Task.isCancelled {
                let isPoll = time.now() >= nextPoll
                if isPoll { nextPoll = time.now() + configuration.feedPoll }
                await round(isPoll: isPoll, &cursor)
                await signal.wait(until: nextPoll, time: time)
            }
        }
        endWaiters()
    }

    private func round(isPoll: Bool, _ cursor: inout FeedCursor) async {
        let asked = inbox.withLock { inbox in
            let taken = inbox
            inbox = Inbox(isWholeFeedAsked: false, isOver: inbox.isOver)
            return taken
        }
        let isWhole = isPoll || asked.isWholeFeedAsked || !asked.waiters.isEmpty
        guard isWhole || !asked.shards.isEmpty else { return }
        do {
            if isPoll { try await clock.synchronize(with: store) }
            try await read(isWhole ? nil : asked.shards.sorted(), &cursor)
            for waiter in asked.waiters { waiter.resume(returning: nil) }
        } catch {
            // The next poll reads everything.
            logger.debug("feed not read", metadata: ["error": "\(error)"])
            for waiter in asked.waiters { waiter.resume(returning: error) }
        }
    }

    private func endWaiters() {
        let waiters = inbox.withLock { inbox in
            defer { inbox.waiters = [] }
            inbox.isOver = true
            return inbox.waiters
        }
        for waiter in waiters { waiter.resume(returning: Self.stopping) }
    }

    private static let stopping: StoreError? = .unavailable("this controller is stopping")

    private func followHints() async {
        while !Task.isCancelled {
            if let hints = try? await store.hints() {
                // What was said before the subscription stood is in the streams.
                inbox.withLock { $0.isWholeFeedAsked = true }
                signal.raise()
                for await shard in hints {
                    inbox.withLock { _ = $0.shards.insert(shard) }
                    signal.raise()
                }
            }
            await time.sleep(for: configuration.feedRetry)
        }
    }

    // Reading

    private func read(_ shards: [Int]?, _ cursor: inout FeedCursor) async throws(StoreError) {
        while true {
            switch try await batch(after: cursor, shards) {
            case .gap(_, let why):
                logger.warning("gap in the change feed: listing everything", metadata: ["why": "\(why)"])
                cursor = try await list()
                return
            case .changes(let changes, let next):
                if changes.isEmpty {
                    cursor = next
                    return
                }
                try await take(changes)
                cursor = next
                if changes.count < configuration.feedLimit { return }
            }
        }
    }

    /// What cannot be understood may have been anything: it is a gap.
    private func batch(after cursor: FeedCursor, _ shards: [Int]?) async throws(StoreError) -> FeedBatch {
        do {
            return try await store.changes(after: cursor, shards: shards, limit: configuration.feedLimit)
        } catch .corrupt(let key, let why) {
            logger.error("what is stored cannot be read", metadata: ["key": "\(key)", "why": "\(why)"])
            return .gap(cursor, why: "\(key): \(why)")
        }
    }

    /// Takes in what the changes name: resources first, so that instances are looked at with the newest of them.
    private func take(_ changes: [Change]) async throws(StoreError) {
        var resources: Set<ResourceKey> = []
        var servers: Set<String> = []
        var instances: [(id: InstanceID, what: String)] = []
        for change in changes {
            switch change.subject {
            case .resource(let key) where key.kind.hasInstances: resources.insert(key)
            case .resource: schedulesChanged.raise()
            case .server(let name): servers.insert(name)
            case .instance(let id): instances.append((id, change.what))
            }
        }
        // The agent of a Server that is new here may have reported long ago, when nobody had declared it.
        servers.formUnion(resources.lazy.filter { $0.kind == .server }.map(\.name))
        if !resources.isEmpty { await loop.update(try await loader.load(resources.sorted())) }
        if !servers.isEmpty { await loop.update(try await store.observedServers(servers.sorted())) }
        if !instances.isEmpty { await loop.touched(instances) }
    }

    // Listing

    private func firstList() async -> FeedCursor? {
        var isTold = false
        while !Task.isCancelled {
            do {
                return try await list()
            } catch {
                if !isTold { logger.warning("the store cannot be read; trying on", metadata: ["error": "\(error)"]) }
                isTold = true
                await time.sleep(for: configuration.feedRetry)
            }
        }
        return nil
    }

    /// Lists and reads everything; returns where the feed stood before.
    private func list() async throws(StoreError) -> FeedCursor {
        let started = time.now()
        try await clock.synchronize(with: store)
        let cursor = try await store.feedEnd()
        schedulesChanged.raise()
        let resources = try await loader.loadAll(.server) + (try await loader.loadAll(.app))
        let listed = Set(resources.map(\.key))
        let names = await loop.list { fleet in
            fleet.update(resources + fleet.missing(from: listed).map { .absent($0, nil) })
            return fleet.servers.map(\.name)
        }
        let servers = try await store.observedServers(names)
        await loop.list { fleet in for server in servers { fleet.update(server) } }
        for shard in 0..<StoreLayout.shards {
            _ = await loop.register(try await store.instanceIDs(shard: shard))
        }
        let slots = await loop.withFleet { $0.allSlots }
        try await loop.survey(slots)
        logger.info(
            "listed",
            metadata: ["instances": "\(slots.count)", "took": "\((time.now() - started).wholeMilliseconds) ms"])
        return cursor
    }
}

extension CompiledResource {
    var key: ResourceKey {
        switch self {
        case .app(let app, _): ResourceKey(.app, app.name)
        case .server(let server, _): ResourceKey(.server, server.name)
        case .unreadable(let key, _, _), .absent(let key, _): key
        }
    }
}
