// What strict reading refuses although the text can be read all the same: reading goes on, so that whatever else is wrong
// can be told as well.

public struct JSONFault: Sendable, Hashable {
    public enum Kind: Sendable, Hashable {
        /// The key stands in the object already, at `first`. The last value is the one that is read.
        case duplicate(first: JSONPosition)
        /// `\u0000` in a key or in a string. It is read as U+FFFD.
        case nul
    }

    public var path: [PathElement]
    public var kind: Kind
    /// Of the key or the string.
    public var position: JSONPosition
}

/// A text that was read as far as it could be.
public struct JSONReading: Sendable, Hashable {
    public var value: JSONValue
    public var faults: [JSONFault]
}

extension JSONValue {
    /// Parses as `parse` does, but only notes what can be read in spite of it.
    public static func read(_ bytes: [UInt8]) throws(JSONError) -> JSONReading {
        do throws(JSONError) { return JSONReading(value: try parse(bytes), faults: []) } catch {
            // Deeper than is safe, or a NUL between the tokens: nothing can be said about the rest.
            guard JSONPrescan.error(in: bytes, maximumDepth: maximumDepth) == nil else { throw error }
            let index = JSONIndex(of: bytes)
            guard !index.faults.isEmpty else { throw error }
            var readable = bytes
            for offset in index.nulEscapes { readable.replaceSubrange(offset..<offset + 6, with: "\\uFFFD".utf8) }
            return JSONReading(value: try parse(readable, rejectingDuplicates: false), faults: index.faults)
        }
    }
}
