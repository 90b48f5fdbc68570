// `HSET … config:port 8081` by hand.

import Manifests
import Model
import Testing

@Suite struct ConfigEditTests {
    private let canonical: String

    init() throws {
        let text = """
            { "apiVersion": "ops/v1", "kind": "App", "metadata": { "name": "a" },
              "spec": { "placement": { "servers": ["s"] },
                        "config": { "port": 8080, "debug": false, "ratio": 0.5, "host": "db" },
                        "files": { "/etc/a": { "content": "${config.port}" } } } }
            """
        canonical = try #require(
            try ManifestReader.read([ManifestSource(name: "a.json", text: text)]).resources.first?.canonical)
    }

    private let before = ["port": "8080", "debug": "false", "ratio": "0.5", "host": "db"]

    private func errors(_ entries: [String: String]) -> [String] {
        do throws(ManifestErrors) {
            _ = try ManifestReader.applyingConfig(entries, to: canonical)
            return []
        } catch {
            return error.errors.map { "\($0.path): \($0.message)" }
        }
    }

    @Test func `an entry keeps its type, and a new one gets the type that it reads as`() throws {
        var entries = before
        entries["port"] = "8081"
        entries["host"] = "42"
        entries["new"] = "7"
        entries["flag"] = "true"
        entries["octal"] = "007"
        let edited = try ManifestReader.applyingConfig(entries, to: canonical)
        #expect(edited.config == entries)
        #expect(edited.app?.content.config == entries)
        #expect(edited.canonical.contains(#""port":8081"#))
        #expect(edited.canonical.contains(#""host":"42""#))
        #expect(edited.canonical.contains(#""new":7"#))
        #expect(edited.canonical.contains(#""flag":true"#))
        #expect(edited.canonical.contains(#""octal":"007""#))
        #expect(try ManifestReader.readStored(edited.canonical) == edited)
    }

    @Test func `a text that is not of the entry's type is refused`() {
        #expect(
            errors(["port": "eighty", "debug": "no", "ratio": "a half"]) == [
                "spec.config.debug: expected true or false as before, found \"no\"",
                "spec.config.port: expected a whole number as before, found \"eighty\"",
                "spec.config.ratio: expected a number as before, found \"a half\"",
            ])
        #expect(errors(["port": "08080"]).count == 1)
    }

    @Test func `an entry that a template needs cannot be removed`() {
        var entries = before
        entries["port"] = nil
        #expect(errors(entries) == ["spec.files[\"/etc/a\"].content: unknown template name \"config.port\""])
    }

    @Test func `an entry with an impossible key or value is refused`() {
        #expect(errors(before.merging(["a b": "1"]) { $1 }).count == 1)
        #expect(errors(before.merging(["host": "\u{1B}[0m"]) { $1 }).count == 1)
    }

    @Test func `a template in a blob at hand is checked as well`() throws {
        let resource = try #require(
            try ManifestReader.read([try Fixtures.source("good/design-example.json")]).resources.first)
        var entries = resource.config
        entries["nginx_docroot"] = nil
        #expect(throws: Never.self) { try ManifestReader.applyingConfig(entries, to: resource.canonical) }
        #expect(throws: ManifestErrors.self) {
            try ManifestReader.applyingConfig(entries, to: resource.canonical, blobs: resource.blobs)
        }
    }

    @Test func `what is no manifest in the store is an error that names it`() {
        #expect(throws: ManifestError.self) { try ManifestReader.readStored("{") }
        #expect(throws: ManifestError.self) { try ManifestReader.readStored("[]") }
        let wrong = #"{"apiVersion":"ops/v1","kind":"Server","metadata":{"name":"a"},"spec":{}}"#
        #expect {
            try ManifestReader.readStored(wrong)
        } throws: {
            "\($0)".hasPrefix("Server/a:1:")
        }
    }
}
