// What a string must be: in words for messages, as a pattern for JSON Schema, and as code, which alone decides.

struct TextRule: Sendable {
    /// Why a text is refused beyond "expected …, found …".
    struct Problem: Sendable {
        var detail: String?
        var hint: String?
        /// Where in a value it begins, in bytes; nil: it is the whole.
        var offset: Int?
    }

    /// With an article, as it stands after "expected": `a duration from 100ms to 1h, such as 5s`.
    var expected: String
    /// For JSON Schema (ECMA-262). May accept more than `problem` does, never less.
    var pattern: String?
    /// Where only these are accepted.
    var allowed: [String] = []
    /// In bytes of UTF-8.
    var maximumLength = ManifestLimits.textLength
    /// Whether `${…}` in it is filled in.
    var isTemplate = false
    /// What to do where something other than a string is found.
    var typeHint: String?
    /// nil if the text is accepted.
    var problem: @Sendable (String) -> Problem? = { _ in nil }

    func asTemplate() -> TextRule {
        var rule = self
        rule.isTemplate = true
        return rule
    }
}

extension TextRule {
    static func anything(_ expected: String = "a string", upTo limit: Int = ManifestLimits.textLength) -> TextRule {
        TextRule(expected: expected, maximumLength: limit)
    }

    static func nonEmpty(_ expected: String) -> TextRule {
        TextRule(expected: expected, pattern: "[^\\s]") { text in
            text.utf8.allSatisfy { $0 <= 0x20 } ? Problem() : nil
        }
    }

    static func oneOf(_ allowed: [String], hint: @escaping @Sendable (String) -> String? = { _ in nil }) -> TextRule {
        let words = allowed.count == 1 ? Words.quoted(allowed[0]) : "one of " + Words.list(allowed, "or")
        return TextRule(expected: words, allowed: allowed) { text in
            allowed.contains(text)
                ? nil
                : Problem(
                    hint: hint(text)
                        ?? (allowed.count == 1 ? nil : NearestName.hint(for: text, among: allowed, listing: false)))
        }
    }

    /// A name of up to `limit` characters, the first from one set and the rest from another.
    static func name(
        _ expected: String, pattern: String, limit: Int,
        first: @escaping @Sendable (UInt8) -> Bool, rest: @escaping @Sendable (UInt8) -> Bool
    ) -> TextRule {
        TextRule(expected: expected, pattern: pattern) { text in
            let bytes = text.utf8
            guard let head = bytes.first, bytes.count <= limit, first(head), bytes.dropFirst().allSatisfy(rest) else {
                return Problem()
            }
            return nil
        }
    }

    static func duration(_ range: ClosedRange<Duration>) -> TextRule {
        let bounds = "from \(DurationText.text(range.lowerBound)) to \(DurationText.text(range.upperBound))"
        return TextRule(
            expected: "a duration \(bounds), such as \"500ms\", \"1s\", \"5m\" or \"2h\"",
            pattern: "^[0-9]{1,9}(ms|s|m|h)$", typeHint: "write it in quotes and with its unit: \"5s\""
        ) { text in
            guard let duration = DurationText.parse(text) else { return Problem() }
            return range.contains(duration) ? nil : Problem(detail: "it is out of range")
        }
    }
}
