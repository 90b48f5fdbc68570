// A seeded generator: a failure prints its seed, and `REDOPS_SEED=<seed>` replays exactly that run.

import Glibc
import Model
import Reconcilers

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

    mutating func chance(_ percent: Int) -> Bool { Int.random(in: 0..<100, using: &self) < percent }

    mutating func pick<Element>(_ elements: [Element]) -> Element {
        elements[Int.random(in: elements.indices, using: &self)]
    }
}

enum Seeds {
    /// One seed from the environment, or as many as asked for.
    static func seeds(_ count: UInt64) -> [UInt64] {
        if let text = getenv("REDOPS_SEED"), let seed = UInt64(String(cString: text)) { return [seed] }
        return Array(1...count)
    }
}
