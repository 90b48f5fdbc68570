// Where in a text a value stands. jansson keeps no positions, and nearly every manifest is right, so positions are not
// carried through parsing: when there is something to complain about, one pass over the text notes the place of every key
// and value, and any number of paths can be looked up in that.
//
// Assumption: the text has been parsed without an error. On any other text positions are best effort, and never a crash.

internal import Synchronization

/// A place in a text: both counted from 1, columns in Unicode scalars, as jansson counts them in its errors.
public struct JSONPosition: Sendable, Hashable, CustomStringConvertible {
    public var line: Int
    public var column: Int

    public init(line: Int, column: Int) {
        self.line = line
        self.column = column
    }

    public var description: String { "\(line):\(column)" }

    /// Steps over one byte of UTF-8; continuation bytes are part of the scalar before them.
    mutating func advance(over byte: UInt8) {
        if byte == UInt8(ascii: "\n") {
            line += 1
            column = 1
        } else if byte & 0xC0 != 0x80 {
            column += 1
        }
    }
}

public final class JSONLocator: Sendable {
    private let bytes: [UInt8]
    private let index = Mutex<JSONIndex?>(nil)

    public init(_ bytes: [UInt8]) { self.bytes = bytes }
    public convenience init(_ text: String) { self.init(Array(text.utf8)) }

    /// The first character of the value at a path; of the nearest value around it where the path leads nowhere, as for
    /// a field that is missing.
    public func position(of path: [PathElement]) -> JSONPosition {
        indexed { index in index.nodes[index.nearest(to: path).node].value }
    }

    /// The first character (the quote) of the key at the end of a path, or as `position(of:)` if that is no key.
    public func keyPosition(of path: [PathElement]) -> JSONPosition {
        indexed { index in
            let (node, found) = index.nearest(to: path)
            let place = index.nodes[node]
            return found ? place.key ?? place.value : place.value
        }
    }

    private func indexed(_ body: (JSONIndex) -> JSONPosition) -> JSONPosition {
        index.withLock { index in
            let known = index ?? JSONIndex(of: bytes)
            index = known
            return body(known)
        }
    }
}
