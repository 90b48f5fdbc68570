@testable import Manifests
import Model
import TestSeeds
import Testing

@Suite struct QuantityTests {
    @Test(arguments: [("500ms", 500), ("1s", 1000), ("5m", 300_000), ("2h", 7_200_000), ("0s", 0)])
    func `a duration is a whole number and a unit`(text: String, milliseconds: Int64) {
        #expect(DurationText.parse(text) == .milliseconds(milliseconds))
    }

    @Test(arguments: ["", "5", "s", "1.5s", "-1s", "1 s", "1d", "9999999999s", "1s ", "٥s", "5\u{301}s"])
    func `anything else is none`(text: String) {
        #expect(DurationText.parse(text) == nil)
    }

    @Test(arguments: ["500ms", "90s", "1m", "24h", "0ms"])
    func `a duration is shown as it would be written`(text: String) throws {
        #expect(DurationText.text(try #require(DurationText.parse(text))) == text)
    }

    @Test(arguments: [
        ("1970-01-01T00:00:00Z", 0), ("2026-11-21T05:54:00.123Z", 1_795_240_440_123),
        ("2000-02-29t23:59:59z", 951_868_799_000), ("1970-01-01T01:00:00+01:00", 0),
        ("1969-12-31T23:59:59.9999Z", -1),
    ])
    func `a time is read as RFC 3339 has it`(text: String, milliseconds: Int64) {
        #expect(RFC3339.parse(text) == Timestamp(milliseconds: milliseconds))
    }

    @Test(arguments: [
        "", "2026-11-21", "2026-11-21T05:54:00", "2026-13-01T00:00:00Z", "2025-02-29T00:00:00Z", "2026-11-21T24:00:00Z",
        "2026-11-21T05:54:00.Z", "2026-11-21 05:54:00Z", "2026-11-21T05:54:00+1:00", "2026-11-21T05:54:00Zx",
    ])
    func `what is no such time is refused`(text: String) {
        #expect(RFC3339.parse(text) == nil)
    }

    @Test func `a time reads back from its own text`() {
        var random = SeededGenerator(seed: 7)
        for _ in 0..<1000 {
            let time = Timestamp(
                milliseconds: Int64.random(in: -60_000_000_000_000...250_000_000_000_000, using: &random))
            #expect(RFC3339.parse(time.rfc3339) == time)
        }
    }

    @Test func `the nearest name is the one that was probably meant`() {
        let names = ["files", "health", "environment", "restartOn"]
        #expect(NearestName.of("fils", among: names) == "files")
        #expect(NearestName.of("Health", among: names) == "health")
        #expect(NearestName.of("env", among: names) == "environment")
        #expect(NearestName.of("restratOn", among: names) == "restartOn")
        #expect(NearestName.of("zebra", among: names) == nil)
        #expect(NearestName.of("", among: names) == nil)
    }
}
