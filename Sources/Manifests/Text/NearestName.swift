// The name that was probably meant.

package enum NearestName {
    /// Longer names are not compared: distance is quadratic.
    private static let longestName = 256

    /// The candidate nearest to `name`, if any is near enough: a third of its letters may differ, or one may begin
    /// with the other.
    package static func of(_ name: String, among candidates: some Sequence<String>) -> String? {
        let wanted = Array(name.lowercased().utf8)
        guard !wanted.isEmpty, wanted.count <= longestName else { return nil }
        var best: (distance: Int, name: String)?
        for candidate in candidates {
            let letters = Array(candidate.lowercased().utf8)
            guard letters.count <= longestName else { continue }
            let allowed = max(1, max(wanted.count, letters.count) / 3)
            let isPrefix =
                wanted.count >= 3 && letters.count >= 3
                && (letters.starts(with: wanted) || wanted.starts(with: letters))
            let distance = isPrefix ? 1 : distance(wanted, letters)
            guard distance <= allowed else { continue }
            if best.map({ (distance, candidate) < ($0.distance, $0.name) }) ?? true { best = (distance, candidate) }
        }
        return best?.name
    }

    /// `did you mean "files"?`, or else, if `listing`, what is known.
    static func hint(for name: String, among candidates: [String], listing: Bool) -> String? {
        if let nearest = of(name, among: candidates) { return "did you mean \(Words.quoted(nearest))?" }
        guard listing else { return nil }
        return candidates.isEmpty ? "there are none here" : "known here: \(Words.list(candidates))"
    }

    /// Insertions, deletions, replacements and swaps of neighbours (optimal string alignment).
    private static func distance(_ left: [UInt8], _ right: [UInt8]) -> Int {
        guard !left.isEmpty, !right.isEmpty else { return max(left.count, right.count) }
        var before: [Int] = []
        var previous = Array(0...right.count)
        for i in 1...left.count {
            var row = [i]
            for j in 1...right.count {
                let cost = left[i - 1] == right[j - 1] ? 0 : 1
                var best = min(row[j - 1] + 1, previous[j] + 1, previous[j - 1] + cost)
                if i > 1, j > 1, left[i - 1] == right[j - 2], left[i - 2] == right[j - 1] {
                    best = min(best, before[j - 2] + 1)
                }
                row.append(best)
            }
            (before, previous) = (previous, row)
        }
        return previous[right.count]
    }
}
