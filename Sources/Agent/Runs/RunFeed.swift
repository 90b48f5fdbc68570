// Output on its way from the thread that reads it to the store: bounded, so that a store that is slow or away holds up
// nobody and fills no memory. What finds no room stays in its file.

internal import Model
internal import Store
internal import Synchronization

package final class RunFeed: Sendable {
    private struct State {
        var chunks: [String] = []
        var bytes = 0
        var isClosed = false
    }

    /// Bytes that wait at most, beside the last of a program.
    static let mostWaiting = 64 << 10
    /// With the last of programs; what is put beyond this is dropped.
    private static let mostHeld = 1 << 20
    /// Chunks in one call of the store.
    static let mostAtOnce = 16

    private let state = Mutex(State())
    let alarm = Alarm()

    package init() {}

    /// How many more bytes may be put.
    var room: Int { state.withLock { max(0, Self.mostWaiting - $0.bytes) } }

    /// Puts text that a person reads, whatever its length.
    func put(_ text: String) {
        guard !text.isEmpty else { return }
        let chunks = Self.chunks(of: text)
        let isTaken = state.withLock { state in
            guard !state.isClosed, state.bytes < Self.mostHeld else { return false }
            state.chunks += chunks
            state.bytes += chunks.reduce(0) { $0 + $1.utf8.count }
            return true
        }
        if isTaken { alarm.ring() }
    }

    /// Nothing more comes.
    package func close() {
        state.withLock { $0.isClosed = true }
        alarm.ring()
    }

    /// What is next, and whether nothing comes after it.
    package var next: (chunks: [String], isLast: Bool) {
        state.withLock { state in
            let chunks = Array(state.chunks.prefix(Self.mostAtOnce))
            return (chunks, state.isClosed && chunks.count == state.chunks.count)
        }
    }

    /// The first `count` chunks have arrived.
    package func taken(_ count: Int) {
        state.withLock { state in
            state.bytes -= state.chunks.prefix(count).reduce(0) { $0 + $1.utf8.count }
            state.chunks.removeFirst(count)
        }
    }

    /// Cut between characters.
    static func chunks(of text: String) -> [String] {
        let bytes = Array(text.utf8)
        var chunks: [String] = []
        var start = 0
        while start < bytes.count {
            var end = min(start + RunBounds.chunkBytes, bytes.count)
            while end < bytes.count, bytes[end] & 0xC0 == 0x80 { end -= 1 }
            chunks.append(String(decoding: bytes[start..<end], as: UTF8.self))
            start = end
        }
        return chunks
    }
}
