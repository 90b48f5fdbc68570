// The inbox, as long as this replica leads: takes what was pushed, makes jobs of it, says what became of it.
//
// Guarantees: an item that was taken is settled by this leader or the next, each time with the same ids.

import Logging
import Store

package struct InboxService: Sendable {
    let store: any ControllerStore
    let leadership: Leadership
    let configuration: ControllerConfiguration
    let time: any MonotonicTime
    let logger: Logger

    private enum Round {
        case idle
        case busy
        case failed
    }

    /// Runs until cancelled.
    func run() async {
        var told: [String] = []
        while !Task.isCancelled {
            guard let lease = leadership.lease(at: time.now()) else {
                await time.sleep(for: configuration.inboxPoll)
                continue
            }
            switch await round(lease, told: &told) {
            case .busy: continue
            case .idle: await time.sleep(for: configuration.inboxPoll)
            case .failed: await time.sleep(for: configuration.inboxRetry)
            }
        }
    }

    private func round(_ lease: Lease, told: inout [String]) async -> Round {
        do throws(StoreError) {
            let look = try await store.lookIntoInbox(configuration.inboxes)
            if look.damaged != told {
                for name in look.damaged { logger.warning("an inbox is no list", metadata: ["key": "\(name)"]) }
                told = look.damaged
            }
            guard look.hasItems else { return .idle }
            return try await work(lease)
        } catch {
            return failed(error, lease)
        }
    }

    /// One batch. What the store did not allow stays taken and comes again; the others are settled.
    private func work(_ lease: Lease) async throws(StoreError) -> Round {
        let items = try await store.takeFromInbox(configuration.inboxes, lease: lease)
        var desk = InboxDesk(store, lease)
        var settlements: [InboxSettlement] = []
        var failure: StoreError?
        for item in items {
            guard leadership.lease(at: time.now()) == lease else { break }
            do throws(StoreError) {
                let settlement = try await desk.settle(item)
                if case .refused(let why) = settlement.verdict {
                    logger.notice("refused what the inbox had", metadata: ["id": "\(item.id)", "why": "\(why)"])
                }
                settlements.append(settlement)
            } catch .fenced(let epoch) {
                throw .fenced(epoch: epoch)
            } catch {
                failure = error
            }
        }
        try await store.settleInbox(settlements, lease: lease)
        if let failure { return failed(failure, lease) }
        // What the store has and does not hand out is no reason to ask without end.
        return settlements.isEmpty ? .idle : .busy
    }

    private func failed(_ error: StoreError, _ lease: Lease) -> Round {
        if case .fenced = error { leadership.refused(lease) }
        logger.debug("the inbox waits", metadata: ["error": "\(error)"])
        return .failed
    }
}
