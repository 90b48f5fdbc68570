import Output
import TestSeeds
import Testing

@Suite struct DiffTests {
    @Test func `a changed line is shown with three lines around it`() {
        let old = (1...9).map { "line \($0)\n" }.joined()
        let new = old.split(separator: "line 5\n").joined(separator: "line five\n")
        #expect(
            UnifiedDiff(from: old, to: new + "").lines == [
                "@@ -2,7 +2,7 @@", " line 2", " line 3", " line 4", "-line 5", "+line five", " line 6", " line 7",
                " line 8",
            ])
    }

    @Test func `a new file is all additions, an emptied one all removals`() {
        #expect(UnifiedDiff(from: "", to: "a\nb\n").lines == ["@@ -0,0 +1,2 @@", "+a", "+b"])
        #expect(UnifiedDiff(from: "a\n", to: "").lines == ["@@ -1 +0,0 @@", "-a"])
        #expect(UnifiedDiff(from: "a\n", to: "a\n").lines.isEmpty)
    }

    @Test func `a missing newline at the end is shown as diff shows it`() {
        #expect(
            UnifiedDiff(from: "a", to: "a\n").lines == ["@@ -1 +1 @@", "-a", "\\ No newline at end of file", "+a"])
        #expect(
            UnifiedDiff(from: "a\n", to: "b").lines == ["@@ -1 +1 @@", "-a", "+b", "\\ No newline at end of file"])
    }

    @Test func `a diff prints no control characters`() {
        #expect(UnifiedDiff(from: "", to: "\u{1B}[2J\tx\n").lines == ["@@ -0,0 +1 @@", #"+\u{1B}[2J    x"#])
    }

    @Test func `beyond the bound the middle is replaced as a whole`() {
        let edits = LineDiff.edits(from: ["a", "b", "c", "d"], to: ["a", "x", "y", "d"], maximumEdits: 1)
        #expect(edits == [.keep("a"), .remove("b"), .remove("c"), .add("x"), .add("y"), .keep("d")])
    }

    @Test(arguments: 0..<300) func `edits lead from the old lines to the new ones`(_: Int) {
        let seed = UInt64.random(in: 0 ... .max)
        var random = SeededGenerator(seed: seed)
        let old = (0..<Int.random(in: 0...20, using: &random)).map { _ in "\(Int.random(in: 0...4, using: &random))" }
        let new = (0..<Int.random(in: 0...20, using: &random)).map { _ in "\(Int.random(in: 0...4, using: &random))" }
        var (left, right, changes) = ([String](), [String](), 0)
        for edit in LineDiff.edits(from: old, to: new) {
            switch edit {
            case .keep(let line): (left, right) = (left + [line], right + [line])
            case .remove(let line): (left, changes) = (left + [line], changes + 1)
            case .add(let line): (right, changes) = (right + [line], changes + 1)
            }
        }
        #expect(left == old && right == new, "seed \(seed)")
        #expect(changes == old.count + new.count - 2 * commonLength(old, new), "seed \(seed): not the shortest")
    }

    /// The length of the longest common subsequence, by the plain table.
    private func commonLength(_ old: [String], _ new: [String]) -> Int {
        var row = [Int](repeating: 0, count: new.count + 1)
        for line in old {
            var diagonal = 0
            for (column, other) in new.enumerated() {
                let above = row[column + 1]
                row[column + 1] = line == other ? diagonal + 1 : max(above, row[column])
                diagonal = above
            }
        }
        return row[new.count]
    }
}
