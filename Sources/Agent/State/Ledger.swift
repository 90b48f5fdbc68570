// The agent's journal: one append-only file in which it writes down, before it acts, what it could not know after a
// crash, and before it reports, how a job ended. Each line is `<crc32> <json>`.
//
// Guarantees: an entry that `append` returned from survives kill -9 and power loss; a file cut off at any byte reads as
// the entries before the cut; a write that does not fit on the disk leaves no half line behind.
// Caveat: entries after a damaged line are not read: what follows damage cannot be trusted.

internal import CLinux
internal import Glibc
internal import JSON
internal import Synchronization

package final class Ledger: Sendable {
    private struct File {
        var number: Int32
        var size: Int
        var state: LedgerState
        /// When it is next written anew: never before it has grown to twice of what matters.
        var compactAt = Ledger.compactAbove
    }

    /// Beyond this size the file is written anew with only what still matters.
    package static let compactAbove = 1 << 20

    package let path: String
    /// How many bytes at the end of the file could not be read when it was opened.
    package let damaged: Int
    private let file: Mutex<File>

    /// Opens or makes the ledger, and cuts off what is damaged at its end.
    package init(path: String) throws(StepError) {
        self.path = path
        do throws(SystemError) {
            let bytes = readSmallFile(path, limit: 64 << 20) ?? []
            let (state, good) = Self.read(bytes)
            damaged = bytes.count - good
            let number = Glibc.open(path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0o600)
            guard number >= 0 else { throw SystemError(code: errno, "cannot open the journal \(path)") }
            if damaged > 0 { ftruncate(number, off_t(good)) }
            file = Mutex(File(number: number, size: good, state: state))
        } catch {
            throw error.step
        }
    }

    deinit { file.withLock { _ = close($0.number) } }

    package var state: LedgerState { file.withLock { $0.state } }

    package func read<Value>(_ body: (LedgerState) -> Value) -> Value {
        file.withLock { body($0.state) }
    }

    /// Writes the entries down; with `durable`, returns only when they are on the disk.
    package func append(_ entries: [LedgerEntry], durable: Bool = true) throws(StepError) {
        guard !entries.isEmpty else { return }
        let bytes = entries.flatMap { Self.line($0) }
        let result: SystemError? = file.withLock { file in
            if let error = Self.write(bytes, to: &file, path: path, durable: durable) { return error }
            for entry in entries { file.state.apply(entry) }
            if file.size > file.compactAt { compact(&file) }
            return nil
        }
        if let result { throw result.step }
    }

    private static func write(_ bytes: [UInt8], to file: inout File, path: String, durable: Bool) -> SystemError? {
        var position = 0
        while position < bytes.count {
            let count = bytes[position...].withUnsafeBytes { Glibc.write(file.number, $0.baseAddress, $0.count) }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { return undo(&file, path) }
            position += count
        }
        if durable, fdatasync(file.number) != 0 { return undo(&file, path) }
        file.size += bytes.count
        return nil
    }

    private static func undo(_ file: inout File, _ path: String) -> SystemError {
        let code = errno
        ftruncate(file.number, off_t(file.size))
        return SystemError(code: code, "cannot write the journal \(path)")
    }

    /// A failed compaction leaves the old file as it is: it is only longer than it need be.
    private func compact(_ file: inout File) {
        let bytes = file.state.entries.flatMap { Self.line($0) }
        file.compactAt = max(Self.compactAbove, 2 * max(bytes.count, file.size))
        guard (try? StateFolder.replace(path, with: bytes)) != nil else { return }
        let number = Glibc.open(path, O_RDWR | O_APPEND | O_CLOEXEC)
        guard number >= 0 else { return }
        close(file.number)
        file.number = number
        file.size = bytes.count
        file.compactAt = max(Self.compactAbove, 2 * bytes.count)
    }

    // MARK: lines

    package static func line(_ entry: LedgerEntry) -> [UInt8] {
        let text = entry.json.canonicalBytes
        return Array(CRC32.hex(text).utf8) + [UInt8(ascii: " ")] + text + [UInt8(ascii: "\n")]
    }

    /// The state that whole, undamaged lines add up to, and how many bytes they take.
    package static func read(_ bytes: [UInt8]) -> (LedgerState, Int) {
        var state = LedgerState()
        var start = 0
        while let end = bytes[start...].firstIndex(of: UInt8(ascii: "\n")) {
            guard let entry = entry(bytes[start..<end]) else { break }
            state.apply(entry)
            start = end + 1
        }
        return (state, start)
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
