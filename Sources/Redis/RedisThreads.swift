// The threads that connections live on. One is enough: it only moves bytes and parses; a program makes one of these at its
// start and passes it to whatever connects.

internal import NIOCore
internal import NIOPosix

public final class RedisThreads: Sendable {
    let group: MultiThreadedEventLoopGroup

    /// Starts the threads.
    public init(count: Int = 1) { group = MultiThreadedEventLoopGroup(numberOfThreads: count) }

    /// Ends the threads, after everything that connected on them was closed.
    public func shutdown() async { try? await group.shutdownGracefully() }
}
