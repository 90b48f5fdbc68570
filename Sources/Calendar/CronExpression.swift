// Placeholder of the contract: replaced by the reader of cron expressions.

import Model

public struct CronExpression: Sendable, Hashable {
    public struct ParseError: Error, Sendable, Hashable {
        /// Where in the expression, in UTF-8 bytes from its start.
        public var offset: Int
        public var message: String
    }
}
