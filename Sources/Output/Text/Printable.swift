// What comes from Redis, from a server or from a manifest is not trusted: printed as it is, an escape sequence in an
// observed value could clear a screen, hide a line or write to a clipboard. Everything of that origin passes here first.

extension String {
    /// This text on one line, with every character that could command a terminal written as an escape: `\u{1B}`, `\n`.
    ///
    /// Guarantees: no C0 or C1 control, no line or paragraph separator, no bidirectional override, no invisible
    /// format character. Everything else is left as it is.
    package var printable: String {
        guard unicodeScalars.contains(where: { $0.mustBeEscaped }) else { return self }
        var result = ""
        for scalar in unicodeScalars {
            if scalar.mustBeEscaped { result += scalar.escape } else { result.unicodeScalars.append(scalar) }
        }
        return result
    }

    /// The lines of this text, each printable; a tab stays a tab's worth of spaces.
    package var printableLines: [String] {
        // By bytes: to Swift a carriage return and a newline are one character.
        var lines = utf8.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false).map { line in
            let line = line.last == UInt8(ascii: "\r") ? line.dropLast() : line
            let parts = String(Substring(line)).split(separator: "\t", omittingEmptySubsequences: false)
            return parts.joined(separator: "    ").printable
        }
        if lines.last == "" { lines.removeLast() }
        return lines
    }
}

extension Unicode.Scalar {
    fileprivate var mustBeEscaped: Bool {
        switch value {
        case 0x00..<0x20, 0x7F..<0xA0: true
        case 0x20..<0x7F: false
        case 0xAD, 0x061C, 0x180E: true
        // zero-width and directional marks, line and paragraph separators, overrides, isolates
        case 0x200B...0x200F, 0x2028...0x202E, 0x2060...0x206F, 0xFEFF, 0xFFF9...0xFFFB: true
        // tags: invisible copies of ASCII
        case 0xE0000...0xE0FFF: true
        default: false
        }
    }

    fileprivate var escape: String {
        switch value {
        case 0x09: return #"\t"#
        case 0x0A: return #"\n"#
        case 0x0D: return #"\r"#
        default: return #"\u{"# + String(value, radix: 16, uppercase: true) + "}"
        }
    }
}
