// One owner per file descriptor: closed when the owner goes, and never twice.

internal import CLinux
internal import Glibc

package struct OpenFile: ~Copyable {
    package let number: Int32

    package init(owning number: Int32) {
        self.number = number
    }

    deinit { close(number) }

    /// Reads all of it, at most `limit` bytes.
    package func readAll(limit: Int) throws(SystemError) -> [UInt8] {
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: min(65536, limit))
        while bytes.count < limit {
            let count = read(number, &chunk, min(chunk.count, limit - bytes.count))
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { throw SystemError(code: errno, "cannot read") }
            guard count > 0 else { break }
            bytes += chunk[..<count]
        }
        return bytes
    }

    /// Writes all bytes, or throws at the first that cannot be written.
    package func writeAll(_ bytes: [UInt8], for path: String) throws(SystemError) {
        var position = 0
        while position < bytes.count {
            let count = bytes[position...].withUnsafeBytes { write(number, $0.baseAddress, $0.count) }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { throw SystemError(code: count < 0 ? errno : EIO, "cannot write \(path)") }
            position += count
        }
    }

    package func sync(for path: String) throws(SystemError) {
        while fsync(number) != 0 {
            guard errno == EINTR else { throw SystemError(code: errno, "cannot sync \(path)") }
        }
    }

    package static func open(_ path: String, _ flags: Int32, mode: UInt32 = 0) throws(SystemError) -> OpenFile {
        while true {
            let number = Glibc.open(path, flags | O_CLOEXEC, mode)
            if number >= 0 { return OpenFile(owning: number) }
            guard errno == EINTR else { throw SystemError(code: errno, "cannot open \(path)") }
        }
    }
}

/// The bytes of a small file that the kernel or this agent writes; nil if it cannot be read.
package func readSmallFile(_ path: String, limit: Int = 1 << 20) -> [UInt8]? {
    guard let file = try? OpenFile.open(path, O_RDONLY) else { return nil }
    return try? file.readAll(limit: limit)
}

package func readSmallText(_ path: String) -> String? {
    readSmallFile(path).map { String(decoding: $0, as: UTF8.self) }
}
