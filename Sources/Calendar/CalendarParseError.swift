// What is wrong with a text or with bytes that are read here: an expression, a zone.

public struct CalendarParseError: Error, Sendable, Hashable, CustomStringConvertible {
    /// Where, in bytes from the start.
    public var offset: Int
    /// `expected …, found …`.
    public var message: String

    public init(offset: Int, message: String) {
        self.offset = offset
        self.message = message
    }

    public var description: String { "at byte \(offset): \(message)" }
}
