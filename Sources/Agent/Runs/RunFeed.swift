// Output on its way from the thread that reads it to the store: bounded, so that a store that is slow or away holds up
// nobody and fills no memory. What finds no room stays in its file.

internal import Model
internal import Store
internal import Synchronization

package final class RunFeed: Sendable {
    private struct Chunk {
        var text: String
        /// How far its file is read, where this is the last of what was put together.
        var end: Int64?
    }

    private struct State {
        var chunks: [Chunk] = []
        var bytes = 0
        var isClosed = false
        var arrived: Int64 = 0
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

    /// How far the file has arrived at the store.
    package var arrived: Int64 { state.withLock { $0.arrived } }

    /// An earlier life had sent so much of the file.
    func begin(at arrived: Int64) { state.withLock { $0.arrived = arrived } }

    /// Puts text that a person reads, whatever its length; `end` is how far its file is read with it.
    func put(_ text: String, upTo end: Int64? = nil) {
        guard !text.isEmpty else { return }
        var chunks = Self.chunks(of: text).map { Chunk(text: $0) }
        chunks[chunks.count - 1].end = end
        let isTaken = state.withLock { state in
            guard !state.isClosed, state.bytes < Self.mostHeld else { return false }
            state.chunks += chunks
            state.bytes += text.utf8.count
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
            let chunks = state.chunks.prefix(Self.mostAtOnce).map(\.text)
            return (chunks, state.isClosed && chunks.count == state.chunks.count)
        }
    }

    /// The first `count` chunks have arrived.
    package func taken(_ count: Int) {
        state.withLock { state in
            for chunk in state.chunks.prefix(count) {
                state.bytes -= chunk.text.utf8.count
                state.arrived = chunk.end ?? state.arrived
            }
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
