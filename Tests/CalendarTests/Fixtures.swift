// The files beside the tests, and chance with a printed seed.

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

/// SplitMix64 (Steele, Lea and Flood, 2014).
struct SeededGenerator: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) {
        state = seed
    }

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var value = state
        value = (value ^ (value >> 30)) &* 0xbf58_476d_1ce4_e5b9
        value = (value ^ (value >> 27)) &* 0x94d0_49bb_1331_11eb
        return value ^ (value >> 31)
    }
}

enum Seeds {
    /// One seed from the environment, or as many as asked for.
    static func seeds(_ count: UInt64) -> [UInt64] {
        if let text = getenv("REDOPS_SEED"), let seed = UInt64(String(cString: text)) { return [seed] }
        return Array(1...count)
    }
}
