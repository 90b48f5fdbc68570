// Edits in the unified format that `diff -u` and `git diff` print: hunks of changes with three lines around them.

package struct UnifiedDiff: Sendable, Hashable {
    package static let context = 3
    /// A diff for people ends after so many lines, and says so.
    package static let maximumLines = 200
    private static let noNewline = "\\ No newline at end of file"

    private let edits: [LineEdit]
    private let oldEndsWithNewline: Bool
    private let newEndsWithNewline: Bool

    package init(from old: String, to new: String) {
        edits = LineDiff.edits(from: Self.split(old), to: Self.split(new))
        oldEndsWithNewline = old.isEmpty || old.hasSuffix("\n")
        newEndsWithNewline = new.isEmpty || new.hasSuffix("\n")
    }

    /// The lines of a text; the newline at its very end ends the last line and begins none.
    private static func split(_ text: String) -> [String] {
        var lines = text.utf8.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false).map {
            String($0) ?? ""
        }
        if lines.last == "" { lines.removeLast() }
        return lines
    }

    /// Header lines `@@ -1,3 +1,4 @@` and body lines, printable, without the names of files; empty if nothing differs.
    package var lines: [String] {
        var result: [String] = []
        for hunk in hunks() { result += render(hunk) }
        if result.isEmpty, oldEndsWithNewline != newEndsWithNewline { return lastLineOnly() }
        return result
    }

    /// The lines with colour, indented, cut after `maximumLines`.
    package func text(_ paint: Paint, indent: String) -> String {
        let all = lines
        var result = ""
        for line in all.prefix(Self.maximumLines) {
            let meaning: Paint.Meaning? =
                switch line.first {
                case "+": .good
                case "-": .bad
                case "@": .note
                default: nil
                }
            result += indent + paint(line, meaning) + "\n"
        }
        if all.count > Self.maximumLines {
            result += indent + paint("… \(all.count - Self.maximumLines) more lines", .faint) + "\n"
        }
        return result
    }

    /// Ranges of edits that belong together.
    private func hunks() -> [Range<Int>] {
        var hunks: [Range<Int>] = []
        for (index, edit) in edits.enumerated() {
            if case .keep = edit { continue }
            let start = max(0, index - Self.context)
            let end = min(edits.count, index + 1 + Self.context)
            if let last = hunks.last, start <= last.upperBound {
                hunks[hunks.count - 1] = last.lowerBound..<end
            } else {
                hunks.append(start..<end)
            }
        }
        return hunks
    }

    private func render(_ hunk: Range<Int>) -> [String] {
        var (oldLine, newLine) = (0, 0)
        for edit in edits[..<hunk.lowerBound] { (oldLine, newLine) = Self.advance(edit, oldLine, newLine) }
        let (oldStart, newStart) = (oldLine, newLine)
        var body: [String] = []
        for edit in edits[hunk] {
            (oldLine, newLine) = Self.advance(edit, oldLine, newLine)
            switch edit {
            case .keep(let line): body.append(" " + line.expanded)
            case .remove(let line): body.append("-" + line.expanded)
            case .add(let line): body.append("+" + line.expanded)
            }
            body += endMark(edit, oldLine, newLine)
        }
        let old = Self.range(start: oldStart, count: oldLine - oldStart)
        let new = Self.range(start: newStart, count: newLine - newStart)
        return ["@@ -\(old) +\(new) @@"] + body
    }

    private static func advance(_ edit: LineEdit, _ old: Int, _ new: Int) -> (Int, Int) {
        switch edit {
        case .keep: (old + 1, new + 1)
        case .remove: (old + 1, new)
        case .add: (old, new + 1)
        }
    }

    /// `diff` writes the line before an empty range, and leaves out a count of one.
    private static func range(start: Int, count: Int) -> String {
        if count == 0 { return "\(start),0" }
        return count == 1 ? "\(start + 1)" : "\(start + 1),\(count)"
    }

    private var oldCount: Int { edits.count { if case .add = $0 { false } else { true } } }
    private var newCount: Int { edits.count { if case .remove = $0 { false } else { true } } }

    private func endMark(_ edit: LineEdit, _ oldLine: Int, _ newLine: Int) -> [String] {
        switch edit {
        case .keep where !oldEndsWithNewline && !newEndsWithNewline && oldLine == oldCount && newLine == newCount,
            .remove where !oldEndsWithNewline && oldLine == oldCount,
            .add where !newEndsWithNewline && newLine == newCount:
            [Self.noNewline]
        default: []
        }
    }

    /// Only the newline at the end differs.
    private func lastLineOnly() -> [String] {
        guard case .keep(let last) = edits.last else { return [] }
        let position = Self.range(start: edits.count - 1, count: 1)
        return ["@@ -\(position) +\(position) @@", "-" + last.expanded] + (oldEndsWithNewline ? [] : [Self.noNewline])
            + ["+" + last.expanded] + (newEndsWithNewline ? [] : [Self.noNewline])
    }
}

extension String {
    /// Printable, with tabs as spaces, so that a terminal's own tab stops do not shift the marks.
    fileprivate var expanded: String {
        split(separator: "\t", omittingEmptySubsequences: false).joined(separator: "    ").printable
    }
}
