// One bulk call: many commands of one shape, of which a bounded window is under way at any time, and whose replies are
// handled on the event loop where they were parsed. Nothing is allocated for a reply, and nobody is woken until the end.

internal import NIOCore

enum BulkLimits {
    /// How many commands may wait for their reply; the next portion is sent when half of them are answered.
    static let window = 4096
}

protocol BulkRun: AnyObject, Sendable {
    var deadline: NIODeadline { get }
    /// Writes the commands that the window has room for; says how many.
    func fill(_ buffer: inout ByteBuffer) -> Int
    /// Handles the next reply.
    func receive(_ reply: borrowing RedisReplyView)
    /// Ends the run, after the last reply or before it.
    func finish(_ error: RedisError?)
    var isComplete: Bool { get }
}

/// Unchecked, because its caller lets go of it before the event loop sees it, and only the loop touches it from then on.
///
/// Guarantees: `handle` sees the replies in the order of the commands, each once; the state is returned only when all came.
final class BulkCall<State: Sendable>: BulkRun, @unchecked Sendable {
    typealias Make = @Sendable (Int, inout RedisCommandBuffer) -> Void
    typealias Handle = @Sendable (inout State, Int, borrowing RedisReplyView) -> Void

    let deadline: NIODeadline
    private let count: Int
    private let make: Make
    private let handle: Handle
    private var state: State
    private var sent = 0
    private var received = 0
    private var isFinished = false
    private let continuation: CheckedContinuation<Result<State, RedisError>, Never>

    init(
        count: Int, deadline: NIODeadline, state: State, make: @escaping Make, handle: @escaping Handle,
        continuation: CheckedContinuation<Result<State, RedisError>, Never>
    ) {
        self.count = count
        self.deadline = deadline
        self.state = state
        self.make = make
        self.handle = handle
        self.continuation = continuation
    }

    var isComplete: Bool { received == count }

    func fill(_ buffer: inout ByteBuffer) -> Int {
        guard sent - received <= BulkLimits.window / 2 else { return 0 }
        let end = min(count, received + BulkLimits.window)
        guard sent < end else { return 0 }
        let start = sent
        var commands = RedisCommandBuffer()
        swap(&commands.bytes, &buffer)
        while sent < end {
            make(sent, &commands)
            sent += 1
            precondition(commands.count == sent - start, "a bulk call makes exactly one command for each index")
        }
        swap(&commands.bytes, &buffer)
        return sent - start
    }

    func receive(_ reply: borrowing RedisReplyView) {
        handle(&state, received, reply)
        received += 1
    }

    func finish(_ error: RedisError?) {
        // Two portions may wait at once; whatever ends the connection ends both.
        guard !isFinished else { return }
        isFinished = true
        continuation.resume(returning: error.map { .failure($0) } ?? .success(state))
    }
}
