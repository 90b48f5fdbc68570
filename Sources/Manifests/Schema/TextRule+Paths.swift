// Paths: of what is managed (absolute, and never a way out of the agent's root), beside the manifest (relative, and
// never a way out of its folder), and in commands (templates).

extension TextRule {
    /// The longest path and the longest name in it, in bytes (Linux: PATH_MAX with its NUL, NAME_MAX).
    private static let longestPath = 4095
    private static let longestName = 255

    /// The key of a managed file or directory.
    static let managedPath = TextRule(
        expected: "an absolute path such as \"/etc/motd\"",
        pattern: "^(/(?!\\.{1,2}(/|$))[^/\\u0000-\\u001f\\u007f]+)+$", maximumLength: longestPath
    ) { text in
        if text.contains("${") {
            return Problem(
                detail: "the key of a file or directory is no template",
                hint: "leave ${server.root} out here: the agent puts its root in front")
        }
        guard text.hasPrefix("/") else { return Problem(detail: "it is relative") }
        if text == "/" { return Problem(detail: "the root itself is not managed") }
        return unsafe(text.utf8.dropFirst().split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false))
    }

    /// A file beside the manifest.
    static let sourcePath = TextRule(
        expected: "a path relative to the manifest's folder, such as \"nginx.conf\"",
        pattern: "^(?!\\.{1,2}(/|$))[^/\\u0000-\\u001f\\u007f]+(/(?!\\.{1,2}(/|$))[^/\\u0000-\\u001f\\u007f]+)*$",
        maximumLength: longestPath
    ) { text in
        if text.hasPrefix("/") {
            return Problem(detail: "it is absolute", hint: "put the file into the manifest's folder")
        }
        return unsafe(text.utf8.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false))
    }

    /// A path in a command or service, which is used as it is after its holes were filled.
    static let templatePath = TextRule(
        expected: "an absolute path, such as \"${server.root}/srv/www\"", pattern: "^(/|\\$\\{)"
    ) { text in
        if !text.hasPrefix("/"), !text.hasPrefix("${") { return Problem(detail: "it is relative") }
        if text.utf8.split(separator: UInt8(ascii: "/")).contains(where: { $0.elementsEqual("..".utf8) }) {
            return Problem(detail: "it has a \"..\" in it")
        }
        return nil
    }.asTemplate()

    private static func unsafe(_ components: [Substring.UTF8View]) -> Problem? {
        for (index, component) in components.enumerated() {
            if component.isEmpty {
                let isLast = index == components.count - 1 && index > 0
                return Problem(detail: isLast ? "it ends in a slash" : "it has an empty component")
            }
            if component.elementsEqual("..".utf8) || component.elementsEqual(".".utf8) {
                return Problem(detail: "it has a \"\(String(Substring(component)))\" in it")
            }
            if component.contains(where: { $0 < 0x20 || $0 == 0x7F }) {
                return Problem(detail: "it has a control character in it")
            }
            if component.count > longestName {
                return Problem(detail: "a name in it is longer than \(longestName) bytes")
            }
        }
        return nil
    }
}
