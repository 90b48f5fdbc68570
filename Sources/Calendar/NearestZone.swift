// What somebody meant who wrote `berlin` or `Europe/Berlim`.

enum NearestZone {
    /// The zone whose last part is this name, or else the one with the fewest letters to change, at most a third of them.
    static func of(_ name: String, among names: [String]) -> String? {
        let wanted = folded(name)
        guard !wanted.isEmpty else { return nil }
        var best: (name: String, distance: Int)?
        for candidate in names {
            let other = folded(candidate)
            if other == wanted || other.split(separator: UInt8(ascii: "/")).last?.elementsEqual(wanted) == true {
                return candidate
            }
            let limit = best.map { $0.distance - 1 } ?? wanted.count / 3
            guard abs(other.count - wanted.count) <= limit else { continue }
            let distance = distance(wanted, other)
            if distance <= limit { best = (candidate, distance) }
        }
        return best?.name
    }

    /// Small letters, and `_` for a blank.
    private static func folded(_ name: String) -> [UInt8] {
        name.utf8.map { byte in
            (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(byte)
                ? byte | 0x20 : byte == 0x20 ? UInt8(ascii: "_") : byte
        }
    }

    /// Levenshtein's, row by row.
    private static func distance(_ left: [UInt8], _ right: [UInt8]) -> Int {
        var row = Array(0...right.count)
        for (i, byte) in left.enumerated() {
            var diagonal = row[0]
            row[0] = i + 1
            for (j, other) in right.enumerated() {
                let change = diagonal + (byte == other ? 0 : 1)
                diagonal = row[j + 1]
                row[j + 1] = min(change, diagonal + 1, row[j] + 1)
            }
        }
        return row[right.count]
    }
}
