// Why a text is not JSON that we accept, and where.

public struct JSONError: Error, Sendable, Hashable, CustomStringConvertible {
    /// The line, counted from 1.
    public let line: Int
    /// The column, counted from 1 in Unicode scalars, at which reading stopped: the end of the offending token.
    public let column: Int
    /// What is wrong there, in jansson's words where it was jansson that refused.
    public let message: String

    public init(line: Int, column: Int, message: String) {
        self.line = line
        self.column = column
        self.message = message
    }

    public var description: String { "\(line):\(column): \(message)" }
}
