// Random JSON documents from a seed, with every awkward kind of character in their strings.

import JSON
import TestSeeds

struct RandomDocuments: RandomNumberGenerator {
    private var generator: SeededGenerator

    init(seed: UInt64) { generator = SeededGenerator(seed: seed) }

    mutating func next() -> UInt64 { generator.next() }

    mutating func value(fractions: Bool, depth: Int = 0) -> JSONValue {
        switch Int.random(in: 0..<(depth > 4 ? 5 : 8), using: &self) {
        case 0: .null
        case 1: .bool(Bool.random(using: &self))
        case 2: .int(Bool.random(using: &self) ? Int.random(in: -9...9, using: &self) : Int(truncatingIfNeeded: next()))
        case 3: fractions ? .double(fraction()) : .int(Int.random(in: 0...1, using: &self))
        case 4: .string(string())
        case 5: .array((0..<count()).map { _ in value(fractions: fractions, depth: depth + 1) })
        default: .object(members(fractions: fractions, depth: depth))
        }
    }

    mutating func string() -> String {
        var scalars = String.UnicodeScalarView()
        for _ in 0..<count() {
            let code: UInt32 =
                switch Int.random(in: 0..<4, using: &self) {
                case 0: UInt32.random(in: 1..<0x20, using: &self)
                case 1: UInt32.random(in: 0x20..<0x80, using: &self)
                case 2: UInt32.random(in: 0x80..<0x800, using: &self)
                default: UInt32.random(in: 0x800..<0x11_0000, using: &self)
                }
            if let scalar = Unicode.Scalar(code) { scalars.append(scalar) }
        }
        return String(scalars)
    }

    private mutating func count() -> Int { Int.random(in: 0..<6, using: &self) }

    private mutating func fraction() -> Double {
        let value = Double(bitPattern: next())
        return value.isFinite ? value : 0.1
    }

    private mutating func members(fractions: Bool, depth: Int) -> [String: JSONValue] {
        var members: [String: JSONValue] = [:]
        for _ in 0..<count() { members[string()] = value(fractions: fractions, depth: depth + 1) }
        return members
    }
}
