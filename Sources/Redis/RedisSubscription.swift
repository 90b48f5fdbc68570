// Published messages of one channel, as an asynchronous sequence over a connection of its own.
//
// Caveats: publishing is a hint, never the truth: what is published while a connection is down is lost, and a reader
// that falls `maximumBuffered` messages behind loses the oldest. The truth is read from keys and streams.

internal import NIOCore

/// What was published.
public struct RedisMessage: Sendable, Hashable {
    public let channel: String
    public let payload: [UInt8]

    public init(channel: String, payload: [UInt8]) {
        self.channel = channel
        self.payload = payload
    }

    public var text: String { String(decoding: payload, as: UTF8.self) }

    /// A reply that is a published message; `nil` for every other reply.
    init?(_ reply: borrowing RedisReplyView) {
        guard reply.count == 3 else { return nil }
        var parts: [[UInt8]] = []
        unsafe reply.forEachString { _, bytes in if let bytes = unsafe bytes { unsafe parts.append(Array(bytes)) } }
        guard parts.count == 3, parts[0] == Array("message".utf8) || parts[0] == Array("smessage".utf8) else {
            return nil
        }
        self.channel = String(decoding: parts[1], as: UTF8.self)
        self.payload = parts[2]
    }
}

public final class RedisSubscription: AsyncSequence, Sendable {
    public typealias Element = RedisMessage
    /// How many messages may wait for their reader.
    public static let maximumBuffered = 1024

    private let connection: RedisConnection
    private let stream: AsyncThrowingStream<RedisMessage, any Error>

    private init(connection: RedisConnection, stream: AsyncThrowingStream<RedisMessage, any Error>) {
        self.connection = connection
        self.stream = stream
    }

    /// Whether the connection under it is open. The sequence ends with an error when it is not.
    public var isOpen: Bool { connection.isOpen }

    public func makeAsyncIterator() -> AsyncThrowingStream<RedisMessage, any Error>.AsyncIterator {
        stream.makeAsyncIterator()
    }

    /// Asks the server whether it is still there; throws if the subscription is dead, and closes it then.
    public func ping(deadline: Duration = RedisConnection.commandDeadline) async throws(RedisError) {
        _ = try await connection.send(RedisCommand("PING"), deadline: deadline)
    }

    /// Ends the subscription.
    public func close() async { await connection.close() }

    /// Takes a connection over and subscribes; the server has confirmed it when this returns.
    static func open(
        _ channel: String, sharded: Bool, on connection: RedisConnection
    ) async throws(RedisError) -> RedisSubscription {
        let (stream, continuation) = AsyncThrowingStream<RedisMessage, any Error>.makeStream(
            bufferingPolicy: .bufferingNewest(maximumBuffered))
        continuation.onTermination = { _ in connection.closeSoon() }
        try connection.listen(SubscriptionSink(continuation: continuation))
        _ = try await connection.send(RedisCommand(sharded ? "SSUBSCRIBE" : "SUBSCRIBE", [.string(channel)]))
        return RedisSubscription(connection: connection, stream: stream)
    }
}

private final class SubscriptionSink: MessageSink {
    private let continuation: AsyncThrowingStream<RedisMessage, any Error>.Continuation

    init(continuation: AsyncThrowingStream<RedisMessage, any Error>.Continuation) { self.continuation = continuation }

    func receive(_ message: RedisMessage) { continuation.yield(message) }
    func finish(_ error: RedisError) { continuation.finish(throwing: error) }
}
