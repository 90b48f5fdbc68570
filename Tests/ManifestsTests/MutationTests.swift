// Bytes changed at random: the reader is given anything, and says where it is wrong.

import Manifests
import TestSeeds
import Testing

@Suite struct MutationTests {
    private static let rounds = 3000

    @Test func `a manifest with random bytes changed reads, or gives errors with places in a file`() throws {
        let seed = UInt64.random(in: 0...UInt64.max)
        var random = SeededGenerator(seed: seed)
        let names = Fixtures.good()
        let sources = try names.map { try Fixtures.source($0) }
        for round in 0..<Self.rounds {
            let original = try #require(sources.randomElement(using: &random))
            let text = Self.mutated(original.text, using: &random)
            let source = ManifestSource(name: original.name, text: text, load: original.load)
            do {
                for resource in try ManifestReader.read([source]).resources {
                    let again = try ManifestReader.readStored(resource.canonical, blobs: resource.blobs)
                    #expect(again.spec == resource.spec, "seed \(seed), round \(round)")
                    #expect(again.canonical == resource.canonical, "seed \(seed), round \(round)")
                }
            } catch let errors as ManifestErrors {
                #expect(!errors.errors.isEmpty, "seed \(seed), round \(round)")
                for error in errors.errors where error.file == original.name {
                    #expect(Self.isPlace(error, in: text), "\(error) seed \(seed), round \(round)")
                }
            }
        }
    }

    private static func isPlace(_ error: ManifestError, in text: [UInt8]) -> Bool {
        let lines = text.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
        guard (1...lines.count).contains(error.line) else { return false }
        return (1...(lines[error.line - 1].count + 1)).contains(error.column)
    }

    /// One to four changes: a byte replaced, a stretch removed, doubled, or moved, or a piece of syntax put in.
    private static func mutated(_ text: [UInt8], using random: inout SeededGenerator) -> [UInt8] {
        let pieces = ["null", "${", "\"", "{}", "[]", ",", "\\u0000", "\\ud83d", "-1", "1e400", "../", "\n", "é", "9"]
        var text = text
        for _ in 0..<Int.random(in: 1...4, using: &random) {
            let start = Int.random(in: 0..<text.count, using: &random)
            let end = min(text.count, start + Int.random(in: 0...12, using: &random))
            switch Int.random(in: 0...4, using: &random) {
            case 0: text[start] = UInt8.random(in: 0...255, using: &random)
            case 1: text.removeSubrange(start..<end)
            case 2: text.insert(contentsOf: text[start..<end], at: end)
            case 3: text.insert(contentsOf: Array(pieces.randomElement(using: &random)?.utf8 ?? "".utf8), at: start)
            default: text.replaceSubrange(start..<end, with: pieces.randomElement(using: &random)?.utf8 ?? "".utf8)
            }
            if text.isEmpty { text = [0x20] }
        }
        return text
    }
}
