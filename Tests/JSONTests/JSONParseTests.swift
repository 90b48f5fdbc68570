import JSON
import Testing

@Suite struct JSONParseTests {
    @Test func `every kind of value is read, at the top as well`() throws {
        #expect(try JSONValue.parse("null") == .null)
        #expect(try JSONValue.parse(" true ") == true)
        #expect(try JSONValue.parse("-7") == -7)
        #expect(try JSONValue.parse("0.5") == 0.5)
        #expect(try JSONValue.parse(#""grün""#) == "grün")
        #expect(try JSONValue.parse(#"[1,{"a":[]}]"#) == [1, ["a": []]])
    }

    @Test(arguments: [
        (#"{"a":1,"a":2}"#, 1, "duplicate object key"),
        ("", 1, "unexpected token near end of file"),
        ("{\n  \"a\": 1,\n}", 3, "string or '}' expected near '}'"),
        ("[1] x", 1, "end of file expected near 'x'"),
        ("[99999999999999999999]", 1, "too big integer"),
        ("[1e999]", 1, "real number overflow"),
        (#"["a\u0000b"]"#, 1, #"\u0000 is not allowed without JSON_ALLOW_NUL"#),
        ("[\"a\u{0}b\"]", 1, "NUL byte"),
        ("\u{FEFF}{}", 1, "save it without a byte order mark"),
        ("[1,\n\u{0}]", 2, "NUL byte"),
        (#"{"a\u0000":1}"#, 1, ""),
    ])
    func `what is no strict JSON is refused with a line and a reason`(text: String, line: Int, reason: String) {
        let error = #expect(throws: JSONError.self) { try JSONValue.parse(text) }
        #expect(error?.line == line)
        #expect(error?.message.contains(reason) == true, "\(String(describing: error))")
    }

    @Test func `bytes that are no UTF-8 are refused`() {
        #expect(throws: JSONError.self) { try JSONValue.parse([0x22, 0xFF, 0x22]) }
        #expect(throws: JSONError.self) { try JSONValue.parse([0x22, 0xED, 0xA0, 0x80, 0x22]) }
    }

    @Test func `keys that differ only in composed letters are duplicates`() {
        let error = #expect(throws: JSONError.self) { try JSONValue.parse("{\"\u{E9}\":1,\"e\u{301}\":2}") }
        #expect(error?.message.contains("duplicate") == true)
    }

    @Test func `what can be read in spite of a fault is read, and every fault has its place`() throws {
        let text = #"{"a":1,"b":{"c":"x\u0000","c":[{"d\u0000":"\\u0000"}]},"a":2}"#
        let reading = try JSONValue.read(Array(text.utf8))
        #expect(reading.value == ["a": 2, "b": ["c": [["d\u{FFFD}": "\\u0000"]]]])
        #expect(
            reading.faults.map { "\($0.path.dotted) \($0.position) \($0.kind == .nul)" } == [
                "b.c 1:17 true", "b.c 1:27 false", "b.c[0][\"d\u{FFFD}\"] 1:33 true", "a 1:56 false",
            ])
        #expect(reading.faults.last?.kind == .duplicate(first: JSONPosition(line: 1, column: 2)))
        let composed = try JSONValue.read(Array("{\"\u{E9}\":1,\"e\u{301}\":2}".utf8))
        #expect(composed.value == ["\u{E9}": 2] && composed.faults.count == 1)
        #expect(try JSONValue.read(Array("[1]".utf8)).faults.isEmpty)
    }

    @Test(arguments: [#"{"a":1,"a":2"#, #"["\u0000" x]"#, "[\u{0}]", "\u{FEFF}{\"a\":1,\"a\":2}"])
    func `a fault hides no error of syntax`(text: String) {
        #expect(throws: JSONError.self) { try JSONValue.read(Array(text.utf8)) }
    }

    @Test func `nesting is bounded before anything recurses, and the place is named`() {
        let depth = JSONValue.maximumDepth
        let good = String(repeating: "[", count: depth) + String(repeating: "]", count: depth)
        #expect(throws: Never.self) { try JSONValue.parse(good) }
        let error = #expect(throws: JSONError.self) { try JSONValue.parse("\n[\(good)]") }
        #expect(error == JSONError(line: 2, column: depth + 1, message: "nested deeper than \(depth) levels"))
        #expect(throws: JSONError.self) { try JSONValue.parse(String(repeating: "{\"a\":", count: 1_000_000)) }
        #expect(throws: Never.self) { try JSONValue.parse("\"" + String(repeating: "[", count: 1000) + "\"") }
    }

    @Test func `members and elements are reached by key, index and path`() throws {
        var value = try JSONValue.parse(#"{"a":{"b":[10,20]},"n":null,"d":1.5}"#)
        #expect(value["a"]?["b"]?[1]?.int == 20)
        #expect(value[["a", "b", 0]] == 10)
        #expect(value[["a", "x"]] == nil)
        #expect(value["n"]?.isNull == true)
        #expect(value["d"]?.double == 1.5)
        #expect(value["d"]?.int == nil)
        value["a"] = "new"
        #expect(value["a"]?.string == "new")
    }
}
