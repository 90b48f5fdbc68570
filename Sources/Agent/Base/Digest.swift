// SHA-256 as text, for file contents and for the digest of what was reported.

package import Model
internal import Crypto
internal import CLinux
internal import Glibc

package enum Digest {
    private static let hexDigits = Array("0123456789abcdef".utf8)

    static func hex(_ bytes: some Sequence<UInt8>) -> String {
        var text: [UInt8] = []
        text.reserveCapacity(64)
        for byte in bytes {
            text.append(hexDigits[Int(byte >> 4)])
            text.append(hexDigits[Int(byte & 15)])
        }
        return String(decoding: text, as: UTF8.self)
    }

    package static func sha256(_ bytes: [UInt8]) -> String {
        hex(SHA256.hash(data: bytes))
    }

    /// The digest of what can be read from an open file, and how many bytes that was. After `limit` bytes it stops: a file
    /// may grow as fast as it is read.
    package static func sha256(
        of file: borrowing OpenFile, path: String, limit: Int
    ) throws(SystemError) -> (String, Int) {
        var hasher = SHA256()
        var total = 0
        var chunk = [UInt8](repeating: 0, count: 128 << 10)
        while total <= limit {
            let count = read(file.number, &chunk, chunk.count)
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { throw SystemError(code: errno, "cannot read \(path)") }
            guard count > 0 else { break }
            total += count
            chunk.withUnsafeBytes { hasher.update(bufferPointer: UnsafeRawBufferPointer(rebasing: $0[..<count])) }
        }
        return (hex(hasher.finalize()), total)
    }

    /// 16 hex digits over all fields of an instance.
    package static func fields(_ fields: [FieldKey: String]) -> String {
        var hasher = SHA256()
        for (key, value) in fields.map({ ($0.key.description, $0.value) }).sorted(by: { $0.0 < $1.0 }) {
            for text in [key, value] {
                hasher.update(data: Array(text.utf8))
                hasher.update(data: [0])
            }
        }
        return hex(hasher.finalize().prefix(8))
    }
}
