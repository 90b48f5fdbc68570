// Chance with a seed, for every test that uses chance: a failure prints its seed, and `REDOPS_SEED=<seed>` replays exactly
// that run where the test takes its seeds from here.

internal import Glibc

/// SplitMix64 (Steele, Lea and Flood: "Fast splittable pseudorandom number generators", 2014).
public struct SeededGenerator: RandomNumberGenerator, Sendable {
    private var state: UInt64

    public init(seed: UInt64) {
        state = seed
    }

    public mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var value = state
        value = (value ^ (value >> 30)) &* 0xbf58_476d_1ce4_e5b9
        value = (value ^ (value >> 27)) &* 0x94d0_49bb_1331_11eb
        return value ^ (value >> 31)
    }
}

public enum Seeds {
    /// One seed from the environment, or as many as asked for.
    public static func seeds(_ count: UInt64) -> [UInt64] {
        if let text = getenv("REDOPS_SEED"), let seed = UInt64(String(cString: text)) { return [seed] }
        return Array(1...count)
    }
}
