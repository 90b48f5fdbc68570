@testable import Redis
import TestSeeds
import Testing

/// Replies are random values, written as RESP here and read by the parser in random portions.
@Suite struct ReplyReaderTests {
    @Test func `any cutting of the stream gives the same replies`() throws {
        let seed = UInt64.random(in: 0...UInt64.max)
        var random = SeededGenerator(seed: seed)
        for _ in 0..<300 {
            let values = (0..<Int.random(in: 1...8, using: &random)).map { _ in value(depth: 0, &random) }
            let stream = values.flatMap { encode($0) }
            let reader = ReplyReader()
            var read: [RedisValue] = []
            var rest = stream[...]
            while !rest.isEmpty {
                let size = Int.random(in: 1...(Bool.random(using: &random) ? 3 : 9000), using: &random)
                let portion = Array(rest.prefix(size))
                rest = rest.dropFirst(size)
                try portion.withUnsafeBytes { bytes in try reader.read(bytes) { read.append($0.copy()) } }
            }
            #expect(read == values, "seed \(seed)")
        }
    }

    @Test(arguments: [
        "hello\r\n", "*2\r\n$1\r\na\r\nx", "$-2\r\n", ":12x\r\n", "*999999999999999999999\r\n", "\0\0\0\0",
    ])
    func `what is no reply is a protocol violation, not a crash`(stream: String) {
        let reader = ReplyReader()
        let error = #expect(throws: RedisError.self) {
            try Array(stream.utf8).withUnsafeBytes { bytes in try reader.read(bytes) { _ in } }
        }
        guard case .protocolViolation? = error else {
            Issue.record("\(String(describing: error))")
            return
        }
    }

    @Test func `random bytes never crash the parser`() {
        let seed = UInt64.random(in: 0...UInt64.max)
        var random = SeededGenerator(seed: seed)
        let alphabet = Array("*$+-:0123456789\r\n\r\n\r\nab".utf8)
        for _ in 0..<3000 {
            let reader = ReplyReader()
            let bytes = (0..<40).map { _ in alphabet.randomElement(using: &random) ?? 0 }
            try? bytes.withUnsafeBytes { bytes in try reader.read(bytes) { _ = $0.copy() } }
        }
    }

    @Test func `fields are lent in place, and only of what is a list of fields`() throws {
        func fields(_ stream: String) throws -> [String]? {
            var result: [String]?
            try Array(stream.utf8).withUnsafeBytes { bytes in
                try ReplyReader().read(bytes) { reply in
                    var fields: [String] = []
                    let isMap = reply.forEachField { name, value in
                        fields.append(
                            "\(String(decoding: name, as: UTF8.self))=\(String(decoding: value, as: UTF8.self))")
                    }
                    result = isMap ? fields : nil
                }
            }
            return result
        }
        #expect(try fields("*4\r\n$1\r\na\r\n$0\r\n\r\n$1\r\nb\r\n$2\r\nxy\r\n") == ["a=", "b=xy"])
        #expect(try fields("*0\r\n") == [])
        #expect(try fields("*1\r\n$1\r\na\r\n") == nil)
        #expect(try fields("*2\r\n$1\r\na\r\n:1\r\n") == nil)
        #expect(try fields("-ERR no\r\n") == nil)
        #expect(try fields("$-1\r\n") == nil)
    }

    private func value(depth: Int, _ random: inout SeededGenerator) -> RedisValue {
        switch Int.random(in: 0..<(depth < 4 ? 6 : 4), using: &random) {
        case 0: .null
        case 1: .int(Int(truncatingIfNeeded: random.next()))
        case 2:
            .string((0..<Int.random(in: 0..<12, using: &random)).map { _ in UInt8.random(in: 0...255, using: &random) })
        case 3: .string([UInt8](repeating: 7, count: Int.random(in: 0..<20_000, using: &random)))
        case 4: depth == 0 ? .int(1) : .error("ERR \(random.next())")
        default: .array((0..<Int.random(in: 0..<5, using: &random)).map { _ in value(depth: depth + 1, &random) })
        }
    }

    private func encode(_ value: RedisValue) -> [UInt8] {
        switch value {
        case .null: Array("$-1\r\n".utf8)
        case .int(let value): Array(":\(value)\r\n".utf8)
        case .string(let bytes): Array("$\(bytes.count)\r\n".utf8) + bytes + Array("\r\n".utf8)
        case .error(let text): Array("-\(text)\r\n".utf8)
        case .array(let elements): Array("*\(elements.count)\r\n".utf8) + elements.flatMap { encode($0) }
        }
    }
}
