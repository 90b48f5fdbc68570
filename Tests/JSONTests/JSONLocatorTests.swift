import JSON
import Testing

@Suite struct JSONLocatorTests {
    private let text = """
        { "apiVersion": "ops/v1",
          "spec": {
            "größe": 1, "files": { "/etc/a\\u0062": { "mode": "0644" } },
            "list": [ 10, [ "x", {"deep": true} ],
                      null ]
          } }
        """

    @Test(
        arguments: [
            ([], "1:1", "1:1"),
            (["apiVersion"], "1:17", "1:3"),
            (["spec"], "2:11", "2:3"),
            (["spec", "größe"], "3:14", "3:5"),
            (["spec", "files", "/etc/ab", "mode"], "3:54", "3:46"),
            (["spec", "list", 0], "4:15", "4:15"),
            (["spec", "list", 1, 1, "deep"], "4:35", "4:27"),
            (["spec", "list", 2], "5:15", "5:15"),
        ] as [([PathElement], String, String)])
    func `the place of a value and of its key is found by path`(path: [PathElement], value: String, key: String) {
        let locator = JSONLocator(text)
        #expect(locator.position(of: path).description == value)
        #expect(locator.keyPosition(of: path).description == key)
    }

    @Test func `a path that leads nowhere is placed at the nearest value around it`() {
        let locator = JSONLocator(text)
        #expect(locator.position(of: ["spec", "missing", "x"]).description == "2:11")
        #expect(locator.keyPosition(of: ["spec", "list", 9]).description == "4:13")
    }

    @Test func `paths are shown as people write them`() {
        let path: [PathElement] = ["spec", "files", "/etc/motd", 2, "mode"]
        #expect(path.dotted == #"spec.files["/etc/motd"][2].mode"#)
        #expect(([0, "a"] as [PathElement]).dotted == "[0].a")
    }

    @Test func `every value of a random document is found where it stands`() throws {
        let seed = UInt64.random(in: 0...UInt64.max)
        var random = RandomDocuments(seed: seed)
        for _ in 0..<300 {
            let value = random.value(fractions: true)
            let text = value.pretty()
            check(value, at: [], in: Array(text.unicodeScalars), with: JSONLocator(text), seed: seed)
        }
    }

    private func check(
        _ value: JSONValue, at path: [PathElement], in text: [Unicode.Scalar], with locator: JSONLocator, seed: UInt64
    ) {
        let place = locator.position(of: path)
        let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
        let rest = String(String.UnicodeScalarView(lines[place.line - 1].dropFirst(place.column - 1)))
        let start: String =
            switch value {
            case .object: "{"
            case .array: "["
            default: value.canonical
            }
        #expect(rest.utf8.starts(with: start.utf8), "seed \(seed), path \(path.dotted)")
        for (key, member) in value.object ?? [:] {
            check(member, at: path + [.key(key)], in: text, with: locator, seed: seed)
        }
        for (index, element) in (value.array ?? []).enumerated() {
            check(element, at: path + [.index(index)], in: text, with: locator, seed: seed)
        }
    }

    @Test func `a text that is no JSON gives some place and no crash`() {
        for text in ["", "{", "[", "{\"a\"", "{\"a\":", "[[[", "}", "{]", "[}", "\"\\", "[1 2", "{\"a\" 1}", "[:,:"] {
            #expect(JSONLocator(text).position(of: ["a", 0]).line >= 1)
        }
    }
}
