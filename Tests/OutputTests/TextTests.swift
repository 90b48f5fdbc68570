import Output
import TestSeeds
import Testing

@Suite struct TextTests {
    @Test func `control characters, separators and overrides are escaped, and nothing else`() {
        #expect("a\u{1B}[2Jb".printable == #"a\u{1B}[2Jb"#)
        #expect("one\ntwo\r\tthree".printable == #"one\ntwo\r\tthree"#)
        #expect("\u{9B}31m \u{7F} \u{0}".printable == #"\u{9B}31m \u{7F} \u{0}"#)
        #expect("\u{202E}txt.exe \u{2028} \u{200B}".printable == #"\u{202E}txt.exe \u{2028} \u{200B}"#)
        #expect("naïve 日本 🚀 ${x}".printable == "naïve 日本 🚀 ${x}")
    }

    @Test(arguments: 0..<200) func `no random text keeps a control character`(_: Int) {
        let seed = UInt64.random(in: 0 ... .max)
        var random = SeededGenerator(seed: seed)
        let scalars = (0..<50).compactMap { _ in Unicode.Scalar(UInt32.random(in: 0...0x2100, using: &random)) }
        let text = String(String.UnicodeScalarView(scalars)).printable
        let clean = text.unicodeScalars.allSatisfy { $0.value >= 0x20 && !(0x7F..<0xA0).contains($0.value) }
        #expect(clean, "seed \(seed)")
    }

    @Test func `an output's lines are split at newlines and lose a carriage return`() {
        #expect("a\r\nb\tc\n\n".printableLines == ["a", "b    c", ""])
        #expect("\u{1B}[0m".printableLines == [#"\u{1B}[0m"#])
    }

    @Test func `an age has at most two units`() {
        let cases: [(Duration, String)] = [
            (.milliseconds(-5), "0s"), (.milliseconds(40), "0s"), (.milliseconds(230), "0.2s"), (.seconds(12), "12s"),
            (.seconds(65), "1m05s"), (.seconds(3600 + 600), "1h10m"), (.seconds(86_400 * 4 + 3600 * 3), "4d3h"),
            (.seconds(86_400 * 60), "60d"),
        ]
        for (span, text) in cases { #expect(span.age == text) }
    }

    @Test func `a measured time keeps the digits that matter`() {
        let cases: [(Duration, String)] = [
            (.milliseconds(412), "412 ms"), (.milliseconds(1349), "1.3 s"), (.milliseconds(75_900), "75 s"),
            (.seconds(725), "12 min 5 s"), (.seconds(10_920), "3 h 2 min"),
        ]
        for (span, text) in cases { #expect(span.measured == text) }
    }

    @Test func `a timeout is read with its unit or as seconds`() {
        #expect(Duration(reading: "500ms") == .milliseconds(500))
        #expect(Duration(reading: "90") == .seconds(90))
        #expect(Duration(reading: "1m30s") == .seconds(90))
        for wrong in ["", "s", "5x", "-1", "1m30", "99999999999d", "5 s"] { #expect(Duration(reading: wrong) == nil) }
    }

    @Test func `a wide character takes two columns, and a cut shows itself`() {
        #expect("日本".columns == 4)
        #expect("abcdef".shortened(to: 4) == "abc…")
        #expect("日本語".shortened(to: 4) == "日…")
        #expect("abc".shortened(to: 3) == "abc")
    }

    @Test func `paint is nothing unless it is enabled`() {
        #expect(Paint.none("x", .bad) == "x")
        #expect(Paint(enabled: true)("x", .bad) == "\u{1B}[31mx\u{1B}[0m")
    }
}
