// Whether this agent stands for its server, as the store last said. The store decides, in the scripts that give work out;
// what is here keeps an agent whose place another has from asking for more than that, and tells people, once each time.

package import Logging
package import Model
package import Store
internal import Synchronization

package final class Standing: Sendable {
    private enum State {
        case unknown, holding
        /// And when it was last heard that another does.
        case waiting(since: ContinuousClock.Instant, heard: ContinuousClock.Instant)
    }

    package let agent: AgentIdentity?
    private let log: Logger
    private let state = Mutex(State.unknown)
    private let alarm = Alarm()
    private let returning: AsyncStream<Void>.Continuation
    /// Each time that the agent stands for the server again, after another did.
    package let returns: AsyncStream<Void>

    /// `agent`: nil where nobody else can stand for the server.
    package init(agent: AgentIdentity?, log: Logger) {
        self.agent = agent
        self.log = log
        (returns, returning) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
    }

    /// Another agent stands for the server: nothing is observed for it, reported or claimed.
    package var isWaiting: Bool {
        state.withLock { if case .waiting = $0 { true } else { false } }
    }

    /// The store's answer to who asked for work: another agent, or nobody but this one.
    package func heard(_ holder: AgentHolder?, at now: Timestamp) {
        let before = state.withLock { state in
            let before = state
            switch (holder, before) {
            case (nil, _): state = .holding
            case (_, .waiting(let since, _)): state = .waiting(since: since, heard: .now)
            case (_, _): state = .waiting(since: .now, heard: .now)
            }
            return before
        }
        switch (holder, before) {
        case (let holder?, .unknown), (let holder?, .holding):
            // After a restart of the machine that was so short, or where a copy of it has the same names.
            let isAlike = holder.place == agent?.place
            let who = isAlike ? "the agent before this machine started, or on a copy of it," : "another agent"
            log.warning(
                """
                \(who) stands for this server; this one does nothing for it until that is silent for \
                \(AgentBounds.silence.wholeMilliseconds / 1000) s: stop the other, or start one of them with another --server
                """,
                metadata: [
                    "other": "\(holder.place)", "heardAt": "\(holder.heardAt.rfc3339)",
                    "heardBefore": "\(max(.zero, now - holder.heardAt).wholeMilliseconds)ms",
                ])
        case (nil, .waiting(let since, _)):
            log.notice(
                "the other agent is silent: this one stands for the server",
                metadata: ["after": "\((ContinuousClock.now - since).wholeMilliseconds)ms"])
            returning.yield()
        default: break
        }
        alarm.ring()
    }

    /// Waits until the agent stands for the server, or the store, which was away for so long, could not say that another
    /// still does. One waiter.
    package func settled(within limit: Duration) async {
        let deadline = ContinuousClock.now + limit
        while !Task.isCancelled {
            switch state.withLock({ $0 }) {
            case .holding: return
            case .unknown where ContinuousClock.now >= deadline: return
            case .unknown: await alarm.wait(until: deadline)
            case .waiting(_, let heard):
                let end = heard + AgentBounds.silence + limit
                if ContinuousClock.now >= end { return }
                await alarm.wait(until: end)
            }
        }
    }
}
