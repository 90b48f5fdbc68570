// "Did you mean": the known name that is nearest to one that is not known.

package enum Nearest {
    /// The known name with the fewest single-letter changes, if there are few enough that it was probably meant.
    package static func name(to text: String, among known: some Sequence<String>) -> String? {
        let wanted = Array(text.lowercased().prefix(longest))
        let allowed = max(1, wanted.count / 3)
        let best = known.map { (name: $0, distance: distance(wanted, Array($0.lowercased().prefix(longest)))) }
            .min { ($0.distance, $0.name) < ($1.distance, $1.name) }
        return best.flatMap { $0.distance <= allowed ? $0.name : nil }
    }

    /// Names are compared up to this many characters.
    private static let longest = 80

    /// Insertions, deletions, replacements and swaps of neighbours (Damerau–Levenshtein, optimal string alignment).
    private static func distance(_ left: [Character], _ right: [Character]) -> Int {
        var before: [Int] = []
        var previous = Array(0...right.count)
        for (row, letter) in left.enumerated() {
            var current = [row + 1]
            for (column, other) in right.enumerated() {
                var best = min(previous[column + 1], current[column]) + 1
                best = min(best, previous[column] + (letter == other ? 0 : 1))
                if row > 0, column > 0, letter == right[column - 1], left[row - 1] == other {
                    best = min(best, before[column - 1] + 1)
                }
                current.append(best)
            }
            before = previous
            previous = current
        }
        return previous[right.count]
    }
}
