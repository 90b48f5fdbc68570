// One connection to one redis-server. Commands of concurrent callers are pipelined on it: they are written together and
// answered in order, so one connection serves a whole program, except for what blocks or subscribes.
//
// Guarantees: every call returns or throws by its deadline; a call that threw `.closed(.notSent)` was not carried out.
// Caveats: after any deadline passed, the connection is closed, and with it everything else that waited on it.

internal import NIOCore
internal import NIOPosix

public final class RedisConnection: Sendable {
    /// How long a command may take, where the caller has no reason to say otherwise.
    public static let commandDeadline: Duration = .seconds(5)
    /// How long connecting and introducing oneself may take.
    public static let connectDeadline: Duration = .seconds(3)
    /// How many commands may wait for their replies on one connection.
    public static let maximumInFlight = 65_536
    /// How much longer than the server a client waits for a command that blocks on the server.
    public static let blockingMargin: Duration = .seconds(2)

    public let endpoint: RedisEndpoint
    /// When this connection was ready for commands.
    public let connectedSince: ContinuousClock.Instant
    private let channel: any Channel
    private let outbox: Outbox

    init(endpoint: RedisEndpoint, channel: any Channel, outbox: Outbox) {
        self.endpoint = endpoint
        self.connectedSince = .now
        self.channel = channel
        self.outbox = outbox
    }

    /// Whether commands can be sent. It may end at any time.
    public var isOpen: Bool { outbox.isOpen }

    /// How many answers came so far: whoever saw this number before knows whether another came since.
    public var answers: Int { outbox.answers }

    /// Closes the connection; whoever waits on it is told.
    public func close() async {
        channel.close(mode: .all, promise: nil)
        try? await channel.closeFuture.get()
    }

    /// Closes the connection, without waiting until it is closed.
    func closeSoon() { channel.close(mode: .all, promise: nil) }

    // MARK: Commands

    /// Sends a command and returns its reply; an error reply is thrown.
    public func send(
        _ command: RedisCommand, deadline: Duration = commandDeadline
    ) async throws(RedisError) -> RedisValue {
        try await send(command, deadline: deadline, doubt: nil)
    }

    private func send(
        _ command: RedisCommand, deadline: Duration, doubt: PendingReply.Doubt?
    ) async throws(RedisError) -> RedisValue {
        let result = await withCheckedContinuation { continuation in
            let pending = PendingReply(
                sink: .one(continuation), remaining: 1, deadline: .now() + TimeAmount(deadline), doubt: doubt)
            if let error = outbox.submit(.commands(command.bytes, pending), commands: 1, on: channel.eventLoop) {
                continuation.resume(returning: .failure(error))
            }
        }
        return try result.get()
    }

    /// Sends a command that blocks on the server for at most `serverTimeout` (BLPOP, XREAD BLOCK). Nothing else is
    /// answered meanwhile, so this is for a connection of its own; cancelling the task closes it. Where there is still no
    /// answer `doubtAfter` later than that, `onDoubt` is called once, on the thread of the connection: it must be quick.
    public func sendBlocking(
        _ command: RedisCommand, serverTimeout: Duration, margin: Duration = blockingMargin,
        doubtAfter: Duration = .zero, onDoubt: (@Sendable () -> Void)? = nil
    ) async throws(RedisError) -> RedisValue {
        let doubt = onDoubt.map { PendingReply.Doubt(at: .now() + TimeAmount(serverTimeout + doubtAfter), act: $0) }
        let result = await withTaskCancellationHandler {
            do throws(RedisError) {
                return Result<RedisValue, RedisError>.success(
                    try await send(command, deadline: serverTimeout + margin, doubt: doubt))
            } catch {
                return .failure(Task.isCancelled ? .cancelled : error)
            }
        } onCancel: {
            closeSoon()
        }
        return try result.get()
    }

    /// Sends commands together and returns the reply or the error of each, in their order.
    public func pipeline(
        _ commands: [RedisCommand], deadline: Duration = commandDeadline
    ) async -> [Result<RedisValue, RedisError>] {
        guard !commands.isEmpty else { return [] }
        var buffer = RedisCommandBuffer()
        for command in commands { buffer.append(command) }
        let bytes = buffer.bytes
        return await withCheckedContinuation { continuation in
            let replies = PipelineReplies(expected: commands.count, continuation)
            let pending = PendingReply(
                sink: .pipeline(replies), remaining: commands.count, deadline: .now() + TimeAmount(deadline))
            if let error = outbox.submit(.commands(bytes, pending), commands: commands.count, on: channel.eventLoop) {
                replies.fail(error)
            }
        }
    }

    /// Sends `count` commands, a bounded window of them at a time, and folds their replies into a state, on the event
    /// loop where they are parsed: for reads of whole fleets. Error replies are handed to `handle` like any other.
    ///
    /// `make` appends exactly one command for each index. `handle` must be quick: nothing else is answered meanwhile.
    public func forEachReply<State: Sendable>(
        of count: Int, into state: State, deadline: Duration,
        make: @escaping @Sendable (Int, inout RedisCommandBuffer) -> Void,
        handle: @escaping @Sendable (inout State, Int, borrowing RedisReplyView) -> Void
    ) async throws(RedisError) -> State {
        guard count > 0 else { return state }
        let result = await withCheckedContinuation { continuation in
            let run = BulkCall(
                count: count, deadline: .now() + TimeAmount(deadline), state: state, make: make, handle: handle,
                continuation: continuation)
            if let error = outbox.submit(.bulk(run), commands: BulkLimits.window, on: channel.eventLoop) {
                run.finish(error)
            }
        }
        return try result.get()
    }

    /// From now on published messages go to a sink.
    func listen(_ sink: any MessageSink) throws(RedisError) {
        if let error = outbox.submit(.listen(sink), commands: 0, on: channel.eventLoop) { throw error }
    }
}
