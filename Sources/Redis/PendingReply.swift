// Who waits for a reply. Replies come in the order of their commands, so a connection needs only a queue of these.

internal import NIOCore

/// One caller's commands that are under way, and where their replies go.
struct PendingReply: Sendable {
    let sink: Sink
    /// How many replies are still to come.
    var remaining: Int
    let deadline: NIODeadline
    /// What is done, once, where no reply came by a time before the deadline.
    var doubt: Doubt?

    /// When somebody has to look at it next.
    var nextAlarm: NIODeadline { doubt.map { min($0.at, deadline) } ?? deadline }

    struct Doubt: Sendable {
        let at: NIODeadline
        let act: @Sendable () -> Void
    }

    enum Sink: Sendable {
        case one(CheckedContinuation<Result<RedisValue, RedisError>, Never>)
        case pipeline(PipelineReplies)
        case bulk(any BulkRun)
    }
}

/// What a caller hands to the event loop.
enum Submission: Sendable {
    case commands(ByteBuffer, PendingReply)
    case bulk(any BulkRun)
    /// From now on, published messages go here.
    case listen(any MessageSink)
}

/// Where published messages go; used on the event loop only.
protocol MessageSink: AnyObject, Sendable {
    func receive(_ message: RedisMessage)
    func finish(_ error: RedisError)
}

/// The replies of one pipeline, gathered on the event loop and given to the caller at once.
///
/// Unchecked, because its caller lets go of it before the event loop sees it, and only the loop touches it from then on.
final class PipelineReplies: @unchecked Sendable {
    private let expected: Int
    private var replies: [Result<RedisValue, RedisError>] = []
    private let continuation: CheckedContinuation<[Result<RedisValue, RedisError>], Never>

    init(expected: Int, _ continuation: CheckedContinuation<[Result<RedisValue, RedisError>], Never>) {
        self.expected = expected
        self.continuation = continuation
        replies.reserveCapacity(expected)
    }

    func receive(_ reply: borrowing RedisReplyView) {
        replies.append(reply.result)
        if replies.count == expected { continuation.resume(returning: replies) }
    }

    /// The commands that were answered keep their replies; the others all failed in the same way.
    func fail(_ error: RedisError) {
        replies += repeatElement(.failure(error), count: expected - replies.count)
        continuation.resume(returning: replies)
    }
}

extension RedisReplyView {
    /// The reply as a call returns or throws it.
    var result: Result<RedisValue, RedisError> {
        if let error { .failure(.reply(error)) } else { .success(copy()) }
    }
}
