import CJansson
import Glibc
import JSON
import Testing

@Suite struct JSONWriteTests {
    @Test func `the canonical form sorts keys by their bytes and has no spaces`() {
        let value: JSONValue = ["b": [1, true, nil], "a": ["z": "ä/\u{7F}", "\u{1F}": "\n\"\\"], "é": 1, "z": 2]
        #expect(value.canonical == #"{"a":{"\u001F":"\n\"\\","z":"ä/\#u{7F}"},"b":[1,true,null],"z":2,"é":1}"#)
    }

    @Test func `a number with a fraction is written in the shortest way that reads back the same`() {
        #expect(JSONValue.double(0.1).canonical == "0.1")
        #expect(JSONValue.double(1).canonical == "1.0")
        #expect(JSONValue.double(.infinity).canonical == "null")
    }

    @Test func `the form for people is indented and sorted`() {
        let value: JSONValue = ["b": [1, 2], "a": [:], "c": []]
        #expect(value.pretty() == "{\n  \"a\": {},\n  \"b\": [\n    1,\n    2\n  ],\n  \"c\": []\n}")
    }

    @Test func `over random documents the writer gives jansson's bytes, and reading gives the document back`() throws {
        let seed = UInt64.random(in: 0...UInt64.max)
        var random = RandomDocuments(seed: seed)
        for _ in 0..<2000 {
            let value = random.value(fractions: false)
            let text = value.canonical
            #expect(janssonDump(text, flags: JSON_SORT_KEYS | JSON_COMPACT) == text, "seed \(seed)")
            #expect(janssonDump(text, flags: JSON_SORT_KEYS | 2) == value.pretty(), "seed \(seed)")
            #expect(try JSONValue.parse(text) == value, "seed \(seed)")
        }
    }

    @Test func `over random documents with fractions both writers write the same values`() throws {
        let seed = UInt64.random(in: 0...UInt64.max)
        var random = RandomDocuments(seed: seed)
        for _ in 0..<2000 {
            let value = random.value(fractions: true)
            let text = value.canonical
            let theirs = try #require(janssonDump(text, flags: JSON_SORT_KEYS | JSON_COMPACT))
            #expect(try JSONValue.parse(theirs) == value, "seed \(seed)")
            #expect(try JSONValue.parse(text) == value, "seed \(seed)")
            #expect(try JSONValue.parse(value.pretty()) == value, "seed \(seed)")
        }
    }

    /// What jansson writes for a text that it has read.
    private func janssonDump(_ text: String, flags: Int32) -> String? {
        guard let json = json_loads(text, Int(JSON_DECODE_ANY), nil) else { return nil }
        defer { json_decref(json) }
        guard let dump = json_dumps(json, Int(flags | JSON_ENCODE_ANY)) else { return nil }
        defer { free(dump) }
        return String(cString: dump)
    }
}
