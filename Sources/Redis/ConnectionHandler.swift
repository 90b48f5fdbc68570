// The event loop's side of a connection: writes what the outbox holds, parses what arrives, and gives each reply to the
// one at the head of the queue. Everything here runs on one event loop.
//
// Guarantees: each waiting caller is answered exactly once, by its reply or by an error; a reply is given to nobody but
// the one that waits for it; after a deadline passed, the connection is closed, because the replies that may still come
// could no longer be told apart from the next ones.

internal import DequeModule
internal import NIOCore

final class ConnectionHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private let outbox: Outbox
    private let reader = ReplyReader()
    private var waiting: Deque<PendingReply> = []
    private var unsent = ByteBuffer()
    private var messages: (any MessageSink)?
    private var context: ChannelHandlerContext?
    private var alarm: (at: NIODeadline, task: Scheduled<Void>)?
    private var isReading = false

    init(outbox: Outbox) { self.outbox = outbox }

    // MARK: Channel events

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
        outbox.attach(NIOLoopBound(self, eventLoop: context.eventLoop))
    }

    func handlerRemoved(context: ChannelHandlerContext) { self.context = nil }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        isReading = true
        let buffer = unwrapInboundIn(data)
        do throws(RedisError) {
            try unsafe buffer.withUnsafeReadableBytes { received throws(RedisError) in
                try unsafe reader.read(received) { reply throws(RedisError) in try deliver(reply) }
            }
        } catch {
            end(error)
        }
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        isReading = false
        flush()
    }

    func channelInactive(context: ChannelHandlerContext) {
        end(.closed(.indeterminate))
        context.fireChannelInactive()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) { end(.closed(.indeterminate)) }

    // MARK: Sending

    /// Sends all that callers left.
    func drain() {
        for submission in outbox.take() {
            switch submission {
            case .commands(let bytes, let pending):
                unsent.writeImmutableBuffer(bytes)
                enqueue(pending)
            case .bulk(let run): fill(run)
            case .listen(let sink): messages = sink
            }
        }
        flush()
    }

    private func fill(_ run: any BulkRun) {
        let count = run.fill(&unsent)
        guard count > 0 else { return }
        enqueue(PendingReply(sink: .bulk(run), remaining: count, deadline: run.deadline))
    }

    private func enqueue(_ pending: PendingReply) {
        waiting.append(pending)
        setAlarm(pending.nextAlarm)
    }

    /// Writes at the end of a turn, so that replies handled in one read share one write.
    private func flush() {
        guard !isReading, unsent.readableBytes > 0, let context else { return }
        var bytes = ByteBuffer()
        swap(&bytes, &unsent)
        context.writeAndFlush(wrapOutboundOut(bytes), promise: nil)
    }

    // MARK: Receiving

    private func deliver(_ reply: borrowing RedisReplyView) throws(RedisError) {
        if let messages, let message = RedisMessage(reply) { return messages.receive(message) }
        guard !waiting.isEmpty else { throw .protocolViolation("a reply to no command: \(reply.copy())") }
        waiting[0].remaining -= 1
        let sink = waiting[0].sink
        let isLast = waiting[0].remaining == 0
        if isLast { waiting.removeFirst() }
        switch sink {
        case .one(let continuation):
            outbox.answered(1)
            continuation.resume(returning: reply.result)
        case .pipeline(let replies):
            outbox.answered(1)
            replies.receive(reply)
        case .bulk(let run):
            run.receive(reply)
            if run.isComplete {
                outbox.answered(BulkLimits.window)
                run.finish(nil)
            } else {
                fill(run)
            }
        }
    }

    // MARK: Deadlines

    /// One timer for all that wait: it rings at the earliest time that was known when it was set.
    private func setAlarm(_ deadline: NIODeadline) {
        if let alarm, alarm.at <= deadline { return }
        alarm?.task.cancel()
        guard let context else { return }
        let own = NIOLoopBound(self, eventLoop: context.eventLoop)
        alarm = (deadline, context.eventLoop.scheduleTask(deadline: deadline) { own.value.ring() })
    }

    private func ring() {
        alarm = nil
        let now = NIODeadline.now()
        for index in waiting.indices {
            guard let doubt = waiting[index].doubt, doubt.at <= now else { continue }
            waiting[index].doubt = nil
            doubt.act()
        }
        guard let earliest = waiting.lazy.map(\.nextAlarm).min() else { return }
        if earliest <= now {
            end(.timeout)
        } else {
            setAlarm(earliest)
        }
    }

    // MARK: The end

    /// Closes the connection and answers everyone. Only those whose deadline has passed are told of a timeout.
    func end(_ error: RedisError) {
        let untaken = outbox.close()
        alarm?.task.cancel()
        alarm = nil
        let now = NIODeadline.now()
        let victims = waiting
        waiting = []
        for pending in victims {
            let late = error == .timeout && pending.deadline > now
            fail(pending.sink, late ? .closed(.indeterminate) : error)
        }
        for submission in untaken { refuse(submission) }
        messages?.finish(error)
        messages = nil
        context?.close(promise: nil)
    }

    private func refuse(_ submission: Submission) {
        switch submission {
        case .commands(_, let pending): fail(pending.sink, .closed(.notSent))
        case .bulk(let run): run.finish(.closed(.notSent))
        case .listen(let sink): sink.finish(.closed(.notSent))
        }
    }

    private func fail(_ sink: PendingReply.Sink, _ error: RedisError) {
        switch sink {
        case .one(let continuation): continuation.resume(returning: .failure(error))
        case .pipeline(let replies): replies.fail(error)
        case .bulk(let run): run.finish(error)
        }
    }
}
