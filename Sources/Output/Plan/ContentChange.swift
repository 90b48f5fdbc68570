// What a step does to the content of a file, as far as it can be known: of a file on a server only the digest is observed.
// The old text is that of the manifest applied last, where the digest says that it is what lies there.

package import Model

package struct ContentChange: Sendable, Hashable {
    /// Said before the diff, where the diff alone would not be the truth.
    package var note: String?
    package var diff: UnifiedDiff?

    /// Nil if the step leaves a file's content alone, or is of no file.
    package init?(_ step: Step, lastApplied: FileRender?) {
        guard case .file(let new)? = step.spec else { return nil }
        let observed = Self.digest(step.from)
        guard observed != new.digest else { return nil }
        guard let text = Self.text(new) else {
            note = "content of \(counted(new.size, "byte")) that is no text, sha256 \(shortDigest(new.digest))"
            return
        }
        if step.from == nil || step.from == FieldValue.absent {
            diff = UnifiedDiff(from: "", to: text)
            return
        }
        let last = lastApplied.flatMap { last in Self.text(last).map { (digest: last.digest, text: $0) } }
        if let last, last.digest == observed {
            diff = UnifiedDiff(from: last.text, to: text)
            return
        }
        note =
            "content on the server differs: sha256 \(observed.map(shortDigest) ?? "unknown") → \(shortDigest(new.digest))"
        guard let last, last.digest != new.digest else { return }
        note? += "; against what was applied last:"
        diff = UnifiedDiff(from: last.text, to: text)
    }

    /// The digest in an observed file's value.
    private static func digest(_ value: String?) -> String? {
        guard let value, value.hasPrefix("sha256:") else { return nil }
        return String(value.dropFirst("sha256:".count).prefix { $0 != " " })
    }

    private static func text(_ render: FileRender) -> String? {
        guard let content = render.content, !content.contains(0) else { return nil }
        return String(validating: content, as: UTF8.self)
    }

    package func text(_ paint: Paint, indent: String) -> String {
        (note.map { indent + paint($0, .faint) + "\n" } ?? "") + (diff?.text(paint, indent: indent) ?? "")
    }
}
