// The shortest edit script between two lists of lines, by Myers' greedy algorithm (E. W. Myers, "An O(ND) Difference
// Algorithm and Its Variations", 1986), after the common beginning and end are set aside. Beyond a bound of edits the
// middle is shown as replaced as a whole: a diff of a rewritten file says nothing that is worth quadratic time.

package enum LineEdit: Sendable, Hashable {
    case keep(String)
    case remove(String)
    case add(String)
}

package enum LineDiff {
    /// The most single edits that are searched for.
    package static let maximumEdits = 1000

    package static func edits(from old: [String], to new: [String], maximumEdits: Int = LineDiff.maximumEdits)
        -> [LineEdit]
    {
        let head = zip(old, new).prefix { $0 == $1 }.count
        let room = min(old.count, new.count) - head
        let tail = zip(old.reversed(), new.reversed()).prefix(room).prefix { $0 == $1 }.count
        let middleOld = Array(old[head..<(old.count - tail)])
        let middleNew = Array(new[head..<(new.count - tail)])
        let middle =
            shortest(middleOld, middleNew, maximumEdits)
            ?? middleOld.map { .remove($0) } + middleNew.map { .add($0) }
        return old[..<head].map { .keep($0) } + middle + old[(old.count - tail)...].map { .keep($0) }
    }

    /// Nil if more than `bound` edits are needed.
    private static func shortest(_ old: [String], _ new: [String], _ bound: Int) -> [LineEdit]? {
        if old.isEmpty || new.isEmpty { return old.map { .remove($0) } + new.map { .add($0) } }
        let limit = min(old.count + new.count, bound)
        // furthest[k + limit]: how far in `old` a path on diagonal k has come.
        var furthest = [Int](repeating: 0, count: 2 * limit + 2)
        var trace: [[Int]] = []
        for edits in 0...limit {
            trace.append(furthest)
            for diagonal in stride(from: -edits, through: edits, by: 2) {
                var x = start(of: diagonal, after: edits, furthest, limit)
                var y = x - diagonal
                while x < old.count, y < new.count, old[x] == new[y] { (x, y) = (x + 1, y + 1) }
                furthest[diagonal + limit] = x
                if x >= old.count, y >= new.count { return walkBack(old, new, trace, limit) }
            }
        }
        return nil
    }

    /// Where a path on this diagonal begins: one step down from the diagonal above or right from the one below.
    private static func start(of diagonal: Int, after edits: Int, _ furthest: [Int], _ limit: Int) -> Int {
        if edits == 0 { return 0 }
        return comesFromAbove(diagonal, edits, furthest, limit)
            ? furthest[diagonal + 1 + limit] : furthest[diagonal - 1 + limit] + 1
    }

    private static func comesFromAbove(_ diagonal: Int, _ edits: Int, _ furthest: [Int], _ limit: Int) -> Bool {
        if diagonal == -edits { return true }
        if diagonal == edits { return false }
        return furthest[diagonal - 1 + limit] < furthest[diagonal + 1 + limit]
    }

    private static func walkBack(_ old: [String], _ new: [String], _ trace: [[Int]], _ limit: Int) -> [LineEdit] {
        var edits: [LineEdit] = []
        var (x, y) = (old.count, new.count)
        for step in stride(from: trace.count - 1, through: 1, by: -1) {
            let furthest = trace[step]
            let diagonal = x - y
            let above = comesFromAbove(diagonal, step, furthest, limit)
            let previous = above ? diagonal + 1 : diagonal - 1
            let startX = furthest[previous + limit]
            let startY = startX - previous
            while x > startX + (above ? 0 : 1), y > startY + (above ? 1 : 0) {
                (x, y) = (x - 1, y - 1)
                edits.append(.keep(old[x]))
            }
            edits.append(above ? .add(new[startY]) : .remove(old[startX]))
            (x, y) = (startX, startY)
        }
        while x > 0 {
            x -= 1
            edits.append(.keep(old[x]))
        }
        return edits.reversed()
    }
}
