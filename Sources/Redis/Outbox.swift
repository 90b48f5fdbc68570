// The door between callers, on any thread, and the event loop. Callers leave their commands here; the first one wakes the
// loop, which then takes all that are there: so commands of concurrent callers share one wake-up and one write.

internal import NIOCore
internal import Synchronization

final class Outbox: Sendable {
    private struct State {
        var queue: [Submission] = []
        var closed = false
        var handler: NIOLoopBound<ConnectionHandler>?
        /// Commands waiting for a reply, here or on the wire.
        var inFlight = 0
        var answers = 0
    }

    private let state = Mutex(State())

    var isOpen: Bool { state.withLock { !$0.closed && $0.handler != nil } }

    func attach(_ handler: NIOLoopBound<ConnectionHandler>) { state.withLock { $0.handler = handler } }

    /// Leaves a submission for the loop; says why not, if it cannot.
    func submit(_ submission: Submission, commands: Int, on loop: any EventLoop) -> RedisError? {
        let (refusal, wake) = state.withLock { state -> (RedisError?, NIOLoopBound<ConnectionHandler>?) in
            guard !state.closed, let handler = state.handler else { return (.closed(.notSent), nil) }
            guard state.inFlight + commands <= RedisConnection.maximumInFlight else { return (.overloaded, nil) }
            state.inFlight += commands
            state.queue.append(submission)
            return (nil, state.queue.count == 1 ? handler : nil)
        }
        if let wake { loop.execute { wake.value.drain() } }
        return refusal
    }

    /// Takes what was left; on the event loop.
    func take() -> [Submission] {
        state.withLock { state in
            let queue = state.queue
            state.queue.removeAll(keepingCapacity: queue.count <= 64)
            return queue
        }
    }

    /// Notes that replies came.
    func answered(_ commands: Int) {
        state.withLock { state in
            state.inFlight -= commands
            state.answers += 1
        }
    }

    /// How many answers came; it only grows.
    var answers: Int { state.withLock { $0.answers } }

    /// Refuses everything from now on, and gives back what nobody took; on the event loop.
    func close() -> [Submission] {
        state.withLock { state in
            defer { state.queue = [] }
            state.closed = true
            state.handler = nil
            return state.queue
        }
    }
}
