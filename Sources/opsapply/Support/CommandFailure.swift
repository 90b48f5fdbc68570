// What a command says when it cannot do what it was asked to: clear lines on standard error, and an exit code that
// scripts can rely on.

struct CommandFailure: Error {
    /// Printed one below the other.
    var lines: [String]
    var exitCode: Int32
    /// Whether the lines begin with the program's name. Those that begin with a place in a file do not: editors and
    /// pipelines look for it at the start of a line.
    var isNamed = true

    init(_ lines: [String], exitCode: Int32 = Self.error) {
        self.lines = lines
        self.exitCode = exitCode
    }

    init(_ line: String, exitCode: Int32 = Self.error) {
        self.init([line], exitCode: exitCode)
    }

    /// Lines that each begin with a file.
    static func inFiles(_ lines: [String]) -> CommandFailure {
        var failure = CommandFailure(lines)
        failure.isNamed = false
        return failure
    }

    static let error: Int32 = 1
    /// Only under `--detailed-exitcode`.
    static let differences: Int32 = 2
    static let timedOut: Int32 = 3

    /// An exit code with nothing to say.
    static func silent(_ exitCode: Int32) -> CommandFailure { CommandFailure([], exitCode: exitCode) }
}
