// What a command says when it cannot do what it was asked to: clear lines on standard error, and an exit code that
// scripts can rely on.

struct CommandFailure: Error {
    /// Printed one below the other, each with the program's name before it.
    var lines: [String]
    var exitCode: Int32

    init(_ lines: [String], exitCode: Int32 = Self.error) {
        self.lines = lines
        self.exitCode = exitCode
    }

    init(_ line: String, exitCode: Int32 = Self.error) {
        self.init([line], exitCode: exitCode)
    }

    static let error: Int32 = 1
    /// Only under `--detailed-exitcode`.
    static let differences: Int32 = 2
    static let timedOut: Int32 = 3

    /// An exit code with nothing to say.
    static func silent(_ exitCode: Int32) -> CommandFailure { CommandFailure([], exitCode: exitCode) }
}
