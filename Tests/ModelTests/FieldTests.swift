import Model
import Testing

@Suite("Fields")
struct FieldTests {
    @Test(arguments: [
        "file:/etc/a:b", "config:x", "package:libc6", "service:nginx", "health:home", "directory:/", "command:c",
    ])
    func `a key reads as it is written`(_ text: String) {
        #expect(FieldKey(text)?.description == text)
    }

    @Test(arguments: ["", "file", "file:", ":x", "files:/x", "File:/x"])
    func `what is no key is none`(_ text: String) {
        #expect(FieldKey(text) == nil)
    }

    @Test func `keys are in the order of steps, a folder before what is in it`() {
        let texts = [
            "config:z", "package:a", "directory:/srv", "directory:/srv/www", "directory:/srv/www/a", "file:/a",
            "command:a", "service:a", "health:a",
        ]
        let keys = texts.compactMap { FieldKey($0) }
        #expect(keys.shuffled().sorted() == keys)
    }

    @Test(
        arguments: [
            (.exactly("done"), "done", true), (.exactly("done"), "done ", false), (.exactly(""), "", true),
            (.startsWith("1.22"), "1.22.1", true), (.startsWith("1.22"), "1.2", false),
            (.startsWith("directory 0755 "), "directory 0755 root:root", true),
            (.startsWith("directory 0755 "), "directory 0700 root:root", false), (.startsWith("e"), "error: no", false),
            (.present, "1.0", true), (.present, "absent", false), (.present, "error: dpkg is locked", false),
            (.owned(head: "directory 0755", owner: "www", group: nil), "directory 0755 www:root", true),
            (.owned(head: "directory 0755", owner: "www", group: nil), "directory 0755 root:www", false),
            (.owned(head: "directory 0755", owner: nil, group: "www"), "directory 0755 root:www", true),
            (.owned(head: "directory 0755", owner: nil, group: "www"), "directory 0755 root", false),
            (.owned(head: "directory 0755", owner: nil, group: "www"), "absent", false),
            (.exactly("\u{e9}"), "e\u{301}", false),
        ] as [(Model.Expectation, String, Bool)])
    func `an expectation is met by bytes`(_ expectation: Model.Expectation, _ value: String, _ isMet: Bool) {
        #expect(expectation.isMet(by: value) == isMet)
    }

    @Test(
        arguments: [
            (.exactly("a"), .exactly("a"), false), (.exactly("a"), .exactly("b"), true),
            (.present, .exactly("absent"), true), (.present, .exactly("1.2"), false),
            (.present, .startsWith("1."), false), (.startsWith("1."), .startsWith("1.2"), false),
            (.startsWith("1."), .startsWith("2."), true), (.startsWith("1."), .exactly("1.3"), false),
            (.startsWith("d 0755 "), .owned(head: "d 0755", owner: "a", group: nil), false),
            (.startsWith("d 0700 "), .owned(head: "d 0755", owner: "a", group: nil), true),
            (.owned(head: "d", owner: "a", group: nil), .owned(head: "d", owner: nil, group: "b"), false),
            (.owned(head: "d", owner: "a", group: nil), .owned(head: "d", owner: "b", group: nil), true),
            (.owned(head: "d", owner: "a", group: nil), .owned(head: "e", owner: "a", group: nil), true),
            (.owned(head: "d", owner: "a", group: nil), .exactly("d b:b"), true),
        ] as [(Model.Expectation, Model.Expectation, Bool)])
    func `two expectations exclude each other where no value meets both`(
        _ one: Model.Expectation, _ other: Model.Expectation, _ exclude: Bool
    ) {
        #expect(one.excludes(other) == exclude)
        #expect(other.excludes(one) == exclude)
    }

    @Test func `modes have four octal digits`() {
        #expect(FieldValue.octal(0o644) == "0644")
        #expect(FieldValue.octal(0) == "0000")
        #expect(FieldValue.octal(0o7777) == "7777")
    }
}
