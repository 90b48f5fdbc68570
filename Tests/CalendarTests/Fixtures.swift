// The files beside the tests.

import Calendar
import Glibc
import Testing

enum Fixtures {
    static let folder =
        String(#filePath.prefix(through: #filePath.lastIndex(of: "/") ?? #filePath.startIndex)) + "Fixtures/"
    /// The zones that the expected times were made with, whatever the system's are.
    static let zones = ZoneDatabase(folder: folder + "zoneinfo")

    static func bytes(_ path: String) throws -> [UInt8] {
        let file = try #require(fopen(path, "re"), "\(path)")
        defer { fclose(file) }
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 64 << 10)
        while case let count = fread(&chunk, 1, chunk.count, file), count > 0 { bytes += chunk[..<count] }
        return bytes
    }
}
