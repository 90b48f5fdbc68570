// The agent's journal: one append-only file in which it writes down, before it acts, what it could not know after a
// crash, and before it reports, how a job ended. Each line is `<crc32> <json>`.
//
// Guarantees: an entry that `append` returned from survives kill -9 and, unless it asked for less, power loss; a file cut
// off at any byte reads as the entries before the cut; where a write did not fit on the disk, its half line is cut off
// before anything else is written. A line that was damaged in the middle is left out, what follows it is read on, and a
// copy of all is kept beside it as `journal.damaged`. Only a journal that is not there is an empty one: one that cannot be
// read is an error.
//
// A sync costs milliseconds, so threads share it: what they append while one is under way is written together by the first
// of them that has the file next. They succeed or fail together, and entries are in the order in which `append` was called.

internal import CLinux
internal import Glibc
internal import JSON
internal import Synchronization

package final class Ledger: Sendable {
    private final class Handle: Sendable {
        let file: OpenFile
        init(_ file: consuming OpenFile) { self.file = file }
    }

    /// What one call appends. Whoever has the file does it for all that wait.
    private final class Request: Sendable {
        enum Fate { case waits, isThere, failed(SystemError) }

        let entries: [LedgerEntry]
        let durable: Bool
        let fate = Mutex(Fate.waits)

        init(_ entries: [LedgerEntry], durable: Bool) {
            self.entries = entries
            self.durable = durable
        }
    }

    private struct File {
        var handle: Handle
        var size: Int
        var state: LedgerState
        /// Whether its name in the folder outlives a power loss.
        var isNamed: Bool
        /// A write failed, and what it left behind could not be cut off yet.
        var hasRest = false
        /// When it is next written anew: never before it has grown to twice of what matters.
        var compactAt = Ledger.compactAbove
        var number: Int32 { handle.file.number }
    }

    /// Beyond this size the file is written anew with only what still matters.
    package static let compactAbove = 1 << 20
    /// A journal larger than this was not written by this agent.
    private static let largest = 64 << 20

    package let path: String
    /// How many bytes could not be read when it was opened.
    package let damaged: Int
    private let file: Mutex<File>
    /// In their order; one of each thread that appends at most.
    private let requests = Mutex<[Request]>([])
    /// Brings what was written to the disk. Returns 0 or an errno.
    private let sync: @Sendable (Int32) -> Int32

    /// Opens or makes the ledger, and cuts off what is damaged at its end.
    package init(
        path: String, sync: @escaping @Sendable (Int32) -> Int32 = { fdatasync($0) == 0 ? 0 : errno }
    ) throws(StepError) {
        self.path = path
        self.sync = sync
        do throws(SystemError) {
            let bytes = try Self.contents(path)
            let reading = Self.read(bytes ?? [])
            damaged = (bytes ?? []).count - reading.good + reading.skipped
            if reading.skipped > 0, let bytes { _ = try StateFolder.put(bytes, at: path + ".damaged") }
            let handle = Handle(try OpenFile.open(path, O_RDWR | O_CREAT | O_APPEND, mode: 0o600))
            if let bytes, reading.good < bytes.count { try Self.cut(handle, to: reading.good, path) }
            var file = File(handle: handle, size: reading.good, state: reading.state, isNamed: bytes != nil)
            if !file.isNamed { try Self.name(&file, path) }
            if reading.skipped > 0 { try Self.compact(&file, path) }
            self.file = Mutex(file)
        } catch {
            throw error.step
        }
    }

    /// nil if there is no such file.
    private static func contents(_ path: String) throws(SystemError) -> [UInt8]? {
        do throws(SystemError) {
            let bytes = try OpenFile.open(path, O_RDONLY).readAll(limit: largest + 1)
            guard bytes.count <= largest else { throw SystemError(code: EFBIG, "cannot read the journal \(path)") }
            return bytes
        } catch {
            if error.code == ENOENT { return nil }
            throw SystemError(code: error.code, "cannot read the journal \(path)")
        }
    }

    /// How many calls of `append` wait for others.
    package var waiting: Int { requests.withLock { $0.count } }

    package var state: LedgerState { file.withLock { $0.state } }

    package func read<Value>(_ body: (LedgerState) -> Value) -> Value {
        file.withLock { body($0.state) }
    }

    /// Writes the entries down; with `durable`, returns only when they are on the disk.
    package func append(_ entries: [LedgerEntry], durable: Bool = true) throws(StepError) {
        guard !entries.isEmpty else { return }
        let own = Request(entries, durable: durable)
        requests.withLock { $0.append(own) }
        file.withLock { file in
            if case .waits = own.fate.withLock({ $0 }) { appendAll(to: &file) }
        }
        if case .failed(let error) = own.fate.withLock({ $0 }) { throw error.step }
    }

    /// Writes down what everybody who waits by now wants written.
    private func appendAll(to file: inout File) {
        let all = requests.withLock { requests in
            defer { requests = [] }
            return requests
        }
        let entries = all.flatMap(\.entries)
        do throws(SystemError) {
            try write(entries.flatMap { Self.line($0) }, to: &file, durable: all.contains(where: \.durable))
        } catch {
            for request in all { request.fate.withLock { $0 = .failed(error) } }
            return
        }
        for entry in entries { file.state.apply(entry) }
        // A failed compaction leaves the old file as it is: it is only longer than it need be.
        if file.size > file.compactAt { try? Self.compact(&file, path) }
        for request in all { request.fate.withLock { $0 = .isThere } }
    }

    private func write(_ bytes: [UInt8], to file: inout File, durable: Bool) throws(SystemError) {
        if file.hasRest { try Self.cut(file.handle, to: file.size, path) }
        // Until all of it is there, what is there is a rest.
        file.hasRest = true
        do throws(SystemError) {
            try file.handle.file.writeAll(bytes, for: path)
            if durable {
                let code = sync(file.number)
                guard code == 0 else { throw SystemError(code: code, "cannot sync \(path)") }
                if !file.isNamed { try Self.name(&file, path) }
            }
        } catch {
            file.hasRest = (try? Self.cut(file.handle, to: file.size, path)) == nil
            throw SystemError(code: error.code, "cannot write the journal \(path)")
        }
        file.hasRest = false
        file.size += bytes.count
    }

    private static func cut(_ handle: Handle, to size: Int, _ path: String) throws(SystemError) {
        guard ftruncate(handle.file.number, off_t(size)) == 0 else {
            throw SystemError(code: errno, "cannot cut off what is damaged at the end of the journal \(path)")
        }
    }

    private static func name(_ file: inout File, _ path: String) throws(SystemError) {
        try StateFolder.syncFolder(of: path)
        file.isNamed = true
    }

    /// Writes the file anew. The new one is the one that was written, not what is found under its name later: from the move
    /// on nothing else may be appended to.
    private static func compact(_ file: inout File, _ path: String) throws(SystemError) {
        let bytes = file.state.entries.flatMap { line($0) }
        file.compactAt = max(compactAbove, 2 * max(bytes.count, file.size))
        file.handle = Handle(try StateFolder.put(bytes, at: path))
        file.size = bytes.count
        file.hasRest = false
        file.compactAt = max(compactAbove, 2 * bytes.count)
        file.isNamed = false
        try? name(&file, path)
    }

    // MARK: lines

    package static func line(_ entry: LedgerEntry) -> [UInt8] {
        let text = entry.json.canonicalBytes
        return Array(CRC32.hex(text).utf8) + [UInt8(ascii: " ")] + text + [UInt8(ascii: "\n")]
    }

    /// What whole, undamaged lines add up to.
    package struct Reading {
        package var state = LedgerState()
        /// Where the last of them ends.
        package var good = 0
        /// Bytes of damaged lines before that.
        package var skipped = 0
    }

    package static func read(_ bytes: [UInt8]) -> Reading {
        var reading = Reading()
        var start = 0
        while let end = bytes[start...].firstIndex(of: UInt8(ascii: "\n")) {
            if let entry = entry(bytes[start..<end]) {
                reading.state.apply(entry)
                reading.skipped += start - reading.good
                reading.good = end + 1
            }
            start = end + 1
        }
        return reading
    }

    private static func entry(_ line: ArraySlice<UInt8>) -> LedgerEntry? {
        guard line.count > 9, line[line.startIndex + 8] == UInt8(ascii: " ") else { return nil }
        let text = Array(line.dropFirst(9))
        guard line.prefix(8).elementsEqual(CRC32.hex(text).utf8), let json = try? JSONValue.parse(text) else {
            return nil
        }
        return LedgerEntry(json: json)
    }
}

/// CRC-32 (IEEE 802.3), to tell a line that was cut off or damaged.
enum CRC32 {
    private static let table: [UInt32] = (0..<256).map { index in
        (0..<8).reduce(UInt32(index)) { value, _ in value & 1 == 1 ? 0xEDB8_8320 ^ (value >> 1) : value >> 1 }
    }

    static func hex(_ bytes: [UInt8]) -> String {
        var value: UInt32 = 0xFFFF_FFFF
        for byte in bytes { value = table[Int((value ^ UInt32(byte)) & 0xFF)] ^ (value >> 8) }
        let digits = String(value ^ 0xFFFF_FFFF, radix: 16)
        return String(repeating: "0", count: 8 - digits.count) + digits
    }
}
