// A wake-up that carries nothing: any number of them before the waiter looks are one.

package struct Pulse: Sendable {
    package let stream: AsyncStream<Void>
    private let continuation: AsyncStream<Void>.Continuation

    package init() {
        (stream, continuation) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
    }

    package func send() { continuation.yield() }
    package func finish() { continuation.finish() }
}
