// Follows the file that programs of a run write to, and hands on what grew. A file and not a pipe, so that a program
// outlives an agent that is killed, and the next life goes on where the store's part of it ends. Endless output fills
// neither disk nor memory nor the store: what cannot be handed on in time is left out, and people are told how much.

internal import Glibc
internal import Model
internal import Store

/// Used on one thread.
final class OutputReader {
    /// Between two hand-overs.
    static let pace: Duration = .milliseconds(100)
    /// Where the file grew by much, it is looked at again so soon.
    private static let hurry: Duration = .milliseconds(5)
    /// Of what nobody has read yet, this much is kept; the older part is left out.
    private static let backlog: Int64 = 256 << 10
    /// A longer file is emptied.
    private static let longest: Int64 = 1 << 20

    let file: OpenFile
    private let feed: RunFeed
    /// Where it is written down how far the store has it.
    private let mark: OutputMark
    private var offset: Int64
    private var leftOut: Int64 = 0
    /// The beginning of a character whose rest was not there yet.
    private var rest: [UInt8] = []
    private var nextAt = ContinuousClock.now + OutputReader.pace
    /// The last of what the present program wrote, for messages.
    private var tail: [UInt8] = []

    init(_ file: consuming OpenFile, feed: RunFeed, mark: OutputMark) {
        offset = mark.position
        feed.begin(at: mark.position)
        self.file = file
        self.feed = feed
        self.mark = mark
    }

    /// A program begins.
    func begin() {
        tail = []
    }

    /// What the program wrote, or the end of it.
    var text: String { String(decoding: tail, as: UTF8.self) }

    /// Hands on what there is room for, when it is time for that. Returns after what time to look again.
    func look() -> Duration {
        let size = skip()
        if ContinuousClock.now >= nextAt {
            nextAt = .now + Self.pace
            mark.move(to: feed.arrived)
            take(min(size - offset, Int64(feed.room)))
        }
        guard size > Self.longest else { return Self.pace }
        leftOut += size - offset
        offset = 0
        rest = []
        ftruncate(file.number, 0)
        return Self.hurry
    }

    /// The program has ended: hands on all that is left.
    func end() {
        take(skip() - offset)
        if !rest.isEmpty { feed.put(String(decoding: rest, as: UTF8.self)) }
        rest = []
        sayLeftOut()
    }

    private func skip() -> Int64 {
        let size = Self.size(file.number)
        if size < offset { offset = 0 }
        let tooMuch = size - offset - Self.backlog
        if tooMuch > 0 {
            leftOut += tooMuch
            offset += tooMuch
            rest = []
        }
        return size
    }

    private func take(_ count: Int64) {
        guard count > 0 else { return }
        var bytes = [UInt8](repeating: 0, count: Int(count))
        let got = pread(file.number, &bytes, bytes.count, off_t(offset))
        guard got > 0 else { return }
        sayLeftOut()
        offset += Int64(got)
        bytes.removeLast(bytes.count - got)
        tail = Array((tail + bytes).suffix(QueueBounds.outputBytes))
        bytes = rest + bytes
        rest = Array(bytes.suffix(Self.unfinished(bytes)))
        feed.put(String(decoding: bytes.dropLast(rest.count), as: UTF8.self), upTo: offset - Int64(rest.count))
    }

    private func sayLeftOut() {
        guard leftOut > 0 else { return }
        feed.put("\n… \(leftOut) bytes left out …\n")
        leftOut = 0
    }

    /// How many bytes at the end are the beginning of a character.
    static func unfinished(_ bytes: [UInt8]) -> Int {
        for back in 1...3 where back <= bytes.count {
            let byte = bytes[bytes.count - back]
            if byte & 0xC0 == 0x80 { continue }
            let length = byte >= 0xF0 ? 4 : byte >= 0xE0 ? 3 : byte >= 0xC0 ? 2 : 1
            return length > back ? back : 0
        }
        return 0
    }

    private static func size(_ number: Int32) -> Int64 {
        var status = stat()
        return fstat(number, &status) == 0 ? Int64(status.st_size) : 0
    }
}
