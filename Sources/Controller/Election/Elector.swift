// Does what `Election` says. Each call to the store is a task of its own, so that no renewal ever waits behind another
// call, and nothing here waits for reconciling.

package import Logging
package import Store
import Synchronization

/// What the rest of the controller does at the turns of a term.
package protocol LeadershipDelegate: Sendable {
    /// After the seal: read the change feed to its end.
    func catchUp(_ lease: Lease) async throws(StoreError)
    /// Called when this replica began or ceased to lead; `Leadership` says which.
    func leadershipChanged() async
    /// The last word of a term, written under its lease: where a newer one has begun, the fence refuses and counts it.
    func termEnded(_ lease: Lease, why: String) async
}

package actor Elector {
    private var election: Election
    private var lines: [String: any PresenceSession] = [:]
    private let store: any LeaseStore
    private let delegate: any LeadershipDelegate
    private let leadership: Leadership
    private let configuration: ControllerConfiguration
    private let time: any MonotonicTime
    private let logger: Logger
    private let inputs: AsyncStream<Election.Input>
    private nonisolated let input: AsyncStream<Election.Input>.Continuation
    private var isStopping = false
    private var isOver = false
    private var callsUnderWay = 0

    package init(
        store: any LeaseStore, delegate: any LeadershipDelegate, leadership: Leadership,
        configuration: ControllerConfiguration, time: any MonotonicTime, logger: Logger,
        makeNonce: @escaping @Sendable () -> String = Elector.randomNonce
    ) {
        self.store = store
        self.delegate = delegate
        self.leadership = leadership
        self.configuration = configuration
        self.time = time
        self.logger = logger
        election = Election(configuration: configuration, makeNonce: makeNonce)
        (inputs, input) = AsyncStream.makeStream()
        leadership.onRefused { [input] in input.yield(.refused($0)) }
    }

    /// 24 hex digits.
    package static let randomNonce: @Sendable () -> String = {
        let digits =
            String(UInt64.random(in: .min ... .max), radix: 16) + String(UInt32.random(in: .min ... .max), radix: 16)
        return String(repeating: "0", count: max(0, 24 - digits.count)) + digits
    }

    /// Gives up leadership in one round trip; `run` returns when that is done.
    package nonisolated func shutDown() { input.yield(.shutdown) }

    /// Stands for election as soon as `ready` is raised; runs until `shutDown` or cancellation.
    package func run(after ready: Signal) async {
        await withDiscardingTaskGroup { group in
            let ticker = Ticker(every: configuration.standbyPoll, time: time, input: input)
            group.addTask {
                await ready.wait()
                await ticker.run()
            }
            for await input in inputs {
                if case .shutdown = input { isStopping = true }
                for action in election.handle(input, now: time.now()) { perform(action, &group) }
                if isStopping, callsUnderWay == 0 { break }
            }
            leadership.end()
            isOver = true
            for line in lines.values { await line.close() }
            group.cancelAll()
        }
    }

    private func perform(_ action: Election.Action, _ group: inout DiscardingTaskGroup) {
        switch action {
        case .lead(let lease, let until):
            leadership.begin(lease, until: until)
            logger.notice("leading", metadata: ["epoch": "\(lease.epoch)"])
            group.addTask { await self.delegate.leadershipChanged() }
        case .extend(let lease, let until):
            leadership.extend(lease, until: until)
        case .stepDown(let lease, let why, let release):
            leadership.end()
            logger.warning("no longer leading", metadata: ["epoch": "\(lease.epoch)", "why": "\(why)"])
            group.addTask { await self.delegate.leadershipChanged() }
            call(&group) {
                await self.delegate.termEnded(lease, why: why)
                if release { await self.release(lease) }
            }
        case .closePresence(let nonce):
            guard let line = lines.removeValue(forKey: nonce) else { return }
            call(&group) { await line.close() }
        case .openPresence(let nonce):
            group.addTask { await self.keepPresence(nonce) }
        case .acquire(let nonce):
            call(&group) { await self.acquire(nonce) }
        case .prepare(let lease):
            call(&group) { await self.prepare(lease) }
        case .renew(let lease):
            call(&group) { await self.renew(lease) }
        case .release(let lease):
            call(&group) { await self.release(lease) }
        }
    }

    /// A call whose end `run` waits for when it stops.
    private func call(_ group: inout DiscardingTaskGroup, _ body: @escaping @Sendable () async -> Void) {
        callsUnderWay += 1
        group.addTask {
            await body()
            await self.callEnded()
        }
    }

    private func callEnded() {
        callsUnderWay -= 1
        if isStopping { input.yield(.tick) }
    }

    private func keepPresence(_ nonce: String) async {
        do {
            let line = try await store.openPresence(nonce: nonce)
            // One that opens only now would be waited for by nobody, for ever.
            guard !isOver, !Task.isCancelled else { return await line.close() }
            lines[nonce] = line
            input.yield(.presenceOpened(nonce: nonce))
            await line.waitUntilLost()
            lines[nonce] = nil
            input.yield(.presenceLost(nonce: nonce))
        } catch {
            logger.debug("presence line not opened", metadata: ["error": "\(error)"])
            input.yield(.presenceFailed(nonce: nonce))
        }
    }

    private func acquire(_ nonce: String) async {
        let sentAt = time.now()
        let mayPreempt = await store.connectionAge() > configuration.preemptAfterConnectionAge
        do {
            let attempt = try await store.acquireLease(
                holder: configuration.holder, nonce: nonce, ttl: configuration.leaseTTL, mayPreempt: mayPreempt)
            switch attempt {
            case .acquired(let lease):
                input.yield(.acquired(lease, sentAt: sentAt))
            case .held:
                input.yield(.notAcquired(nonce: nonce))
            }
        } catch {
            input.yield(.notAcquired(nonce: nonce))
        }
    }

    private func prepare(_ lease: Lease) async {
        do {
            try await store.seal(lease)
            try await delegate.catchUp(lease)
            input.yield(.prepared(lease))
        } catch .fenced {
            input.yield(.refused(lease))
        } catch {
            logger.warning("not ready to lead", metadata: ["error": "\(error)"])
            input.yield(.prepareFailed(lease))
        }
    }

    private func renew(_ lease: Lease) async {
        let sentAt = time.now()
        do {
            try await store.renewLease(lease, ttl: configuration.leaseTTL)
            input.yield(.renewed(lease, sentAt: sentAt))
        } catch .fenced {
            input.yield(.refused(lease))
        } catch {
            input.yield(.renewFailed(lease))
        }
    }

    private func release(_ lease: Lease) async {
        do {
            try await store.releaseLease(lease)
        } catch {
            logger.info("lock not released; it ends by itself", metadata: ["error": "\(error)"])
        }
    }
}

/// Feeds the election its ticks.
private struct Ticker: Sendable {
    let every: Duration
    let time: any MonotonicTime
    let input: AsyncStream<Election.Input>.Continuation

    init(every: Duration, time: any MonotonicTime, input: AsyncStream<Election.Input>.Continuation) {
        self.every = every
        self.time = time
        self.input = input
    }

    func run() async {
        while !Task.isCancelled {
            input.yield(.tick)
            await time.sleep(for: every)
        }
    }
}
