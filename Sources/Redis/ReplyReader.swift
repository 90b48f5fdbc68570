// The owner of one hiredis parser: bytes in, replies out. It belongs to one connection and is used on its event loop.

internal import CHiredis

@safe
final class ReplyReader {
    /// How much is given to hiredis at once. After each reply hiredis moves what it has not read yet to the front of its
    /// buffer, so that feeding it all that was received would cost quadratic copying.
    private static let portion = 4096

    private let reader: OpaquePointer

    init() {
        guard let reader = unsafe ch_reader_create() else { preconditionFailure("no memory for a Redis parser") }
        unsafe self.reader = reader
    }

    deinit { unsafe ch_reader_free(reader) }

    /// Parses what was received and lends each reply that it completes.
    func read(_ received: UnsafeRawBufferPointer, _ body: (borrowing RedisReplyView) throws(RedisError) -> Void)
        throws(RedisError)
    {
        var offset = 0
        while offset < received.count {
            let size = min(Self.portion, received.count - offset)
            guard unsafe ch_reader_feed(reader, received.baseAddress.map { unsafe $0 + offset }, size) == 0 else {
                throw failure
            }
            offset += size
            while try next(body) {}
        }
    }

    /// Lends the next reply, if there is a complete one.
    private func next(_ body: (borrowing RedisReplyView) throws(RedisError) -> Void) throws(RedisError) -> Bool {
        let result = unsafe ch_reader_next(reader)
        guard result >= 0 else { throw failure }
        guard result == 1, let tokens = unsafe ch_reader_tokens(reader) else { return false }
        let start = unsafe ch_reader_bytes(reader).map { unsafe UnsafeRawPointer($0) } ?? UnsafeRawPointer(tokens)
        let view = unsafe RedisReplyView(tokens: tokens, tokenCount: ch_reader_token_count(reader), bytes: start)
        try body(view)
        return true
    }

    private var failure: RedisError { .protocolViolation(unsafe String(cString: ch_reader_error(reader))) }
}
