// The table behind `JSONLocator`: one node for each value of a text, made by one pass over its bytes.

struct JSONIndex {
    struct Node {
        var value: JSONPosition
        var key: JSONPosition?
        var members: [String: Int] = [:]
        var elements: [Int] = []
    }

    /// The root is the first; there is always one.
    private(set) var nodes: [Node] = []
    private(set) var faults: [JSONFault] = []
    /// Where in the text each `\u0000` begins.
    private(set) var nulEscapes: [Int] = []
    private var path: [PathElement] = []

    init(of bytes: [UInt8]) {
        var scanner = Scanner(bytes: bytes)
        _ = readValue(&scanner, key: nil, depth: 0)
    }

    /// The node at a path, or the deepest one on the way to it.
    func nearest(to path: [PathElement]) -> (node: Int, found: Bool) {
        var node = 0
        for element in path {
            let next: Int? =
                switch element {
                case .key(let key): nodes[node].members[key]
                case .index(let index): nodes[node].elements.indices.contains(index) ? nodes[node].elements[index] : nil
                }
            guard let next else { return (node, false) }
            node = next
        }
        return (node, true)
    }

    private mutating func readValue(_ scanner: inout Scanner, key: JSONPosition?, depth: Int) -> Int {
        scanner.skipSpace()
        let node = nodes.count
        nodes.append(Node(value: scanner.position, key: key))
        guard depth <= JSONValue.maximumDepth else { return node }
        switch scanner.peek {
        case UInt8(ascii: "{"): readMembers(&scanner, of: node, depth: depth)
        case UInt8(ascii: "["): readElements(&scanner, of: node, depth: depth)
        case UInt8(ascii: "\""): readString(&scanner)
        default: scanner.skipScalar()
        }
        return node
    }

    private mutating func readMembers(_ scanner: inout Scanner, of node: Int, depth: Int) {
        scanner.step()
        while true {
            scanner.skip(UInt8(ascii: ","))
            guard scanner.peek == UInt8(ascii: "\"") else { break }
            let place = scanner.position
            let start = scanner.offset
            let key = scanner.readString()
            path.append(.key(key))
            noteNuls(scanner, from: start, at: place)
            if let first = nodes[node].members[key].flatMap({ nodes[$0].key }) {
                faults.append(JSONFault(path: path, kind: .duplicate(first: first), position: place))
            }
            scanner.skip(UInt8(ascii: ":"))
            nodes[node].members[key] = readValue(&scanner, key: place, depth: depth + 1)
            path.removeLast()
        }
        if scanner.peek == UInt8(ascii: "}") { scanner.step() }
    }

    private mutating func readString(_ scanner: inout Scanner) {
        let (start, place) = (scanner.offset, scanner.position)
        scanner.skipString()
        noteNuls(scanner, from: start, at: place)
    }

    private mutating func noteNuls(_ scanner: Scanner, from start: Int, at place: JSONPosition) {
        let escapes = scanner.nulEscapes(in: start..<scanner.offset)
        guard !escapes.isEmpty else { return }
        nulEscapes += escapes
        faults.append(JSONFault(path: path, kind: .nul, position: place))
    }

    private mutating func readElements(_ scanner: inout Scanner, of node: Int, depth: Int) {
        scanner.step()
        while true {
            scanner.skip(UInt8(ascii: ","))
            guard let byte = scanner.peek, byte != UInt8(ascii: "]") else { break }
            let before = scanner.offset
            path.append(.index(nodes[node].elements.count))
            nodes[node].elements.append(readValue(&scanner, key: nil, depth: depth + 1))
            path.removeLast()
            guard scanner.offset > before else { break }
        }
        if scanner.peek == UInt8(ascii: "]") { scanner.step() }
    }
}

/// A cursor over the bytes that knows its line and column.
private struct Scanner {
    let bytes: [UInt8]
    var offset = 0
    var position = JSONPosition(line: 1, column: 1)

    init(bytes: [UInt8]) { self.bytes = bytes }

    var peek: UInt8? { offset < bytes.count ? bytes[offset] : nil }

    mutating func step() {
        guard offset < bytes.count else { return }
        position.advance(over: bytes[offset])
        offset += 1
    }

    mutating func skipSpace() {
        while let byte = peek, [0x20, 0x09, 0x0A, 0x0D].contains(byte) { step() }
    }

    /// Skips one separator with the white space around it.
    mutating func skip(_ separator: UInt8) {
        skipSpace()
        if peek == separator { step() }
        skipSpace()
    }

    /// Skips a number, `true`, `false` or `null`.
    mutating func skipScalar() {
        while let byte = peek, !Array(",]}: \t\r\n\"[{".utf8).contains(byte) { step() }
    }

    mutating func skipString() {
        step()
        while let byte = peek, byte != UInt8(ascii: "\"") {
            step()
            if byte == UInt8(ascii: "\\") { step() }
        }
        step()
    }

    /// Where `\u0000` begins in a literal, not counting backslashes that are escaped themselves.
    func nulEscapes(in literal: Range<Int>) -> [Int] {
        var found: [Int] = []
        var offset = literal.lowerBound
        while let escape = bytes[offset..<literal.upperBound].firstIndex(of: UInt8(ascii: "\\")) {
            if bytes[escape..<literal.upperBound].starts(with: "\\u0000".utf8) { found.append(escape) }
            offset = min(escape + 2, literal.upperBound)
        }
        return found
    }

    mutating func readString() -> String {
        let start = offset
        skipString()
        var literal = bytes[start..<offset]
        for escape in nulEscapes(in: start..<offset) {
            literal.replaceSubrange(escape..<escape + 6, with: "\\uFFFD".utf8)
        }
        if literal.contains(UInt8(ascii: "\\")), case .string(let text)? = try? JSONValue.parse(Array(literal)) {
            return text
        }
        return String(decoding: literal.dropFirst().dropLast(), as: UTF8.self)
    }
}
