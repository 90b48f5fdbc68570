import Model
import Testing

@Suite("Timestamp")
struct TimestampTests {
    /// The values are those of `date -u -d @<seconds> --rfc-3339=ns`.
    @Test(
        arguments: [
            (0, "1970-01-01T00:00:00.000Z"), (-1, "1969-12-31T23:59:59.999Z"),
            (951_782_400_000, "2000-02-29T00:00:00.000Z"), (951_868_799_999, "2000-02-29T23:59:59.999Z"),
            (1_709_164_800_123, "2024-02-29T00:00:00.123Z"), (1_735_689_599_001, "2024-12-31T23:59:59.001Z"),
            (1_735_689_600_000, "2025-01-01T00:00:00.000Z"), (4_107_542_400_000, "2100-03-01T00:00:00.000Z"),
            (4_107_455_999_000, "2100-02-27T23:59:59.000Z"), (-62_135_596_800_000, "0001-01-01T00:00:00.000Z"),
            (253_402_300_799_999, "9999-12-31T23:59:59.999Z"),
        ] as [(Int64, String)])
    func `RFC 3339 in UTC`(_ milliseconds: Int64, _ text: String) {
        #expect(Timestamp(milliseconds: milliseconds).rfc3339 == text)
    }

    @Test func `each day follows the one before, over four hundred years`() {
        var last = Timestamp(milliseconds: -86_400_000).rfc3339
        for day in 0..<146_097 {
            let text = Timestamp(milliseconds: Int64(day) * 86_400_000).rfc3339
            #expect(last < text)
            last = text
        }
        #expect(last.hasPrefix("2369-12-31"))
    }

    @Test func `adding and subtracting durations`() {
        let start = Timestamp(milliseconds: 1_000)
        #expect((start + .milliseconds(250)).milliseconds == 1_250)
        #expect((start + .seconds(-2)).milliseconds == -1_000)
        #expect(start + .seconds(3) - start == .seconds(3))
        #expect(start - (start + .seconds(3)) == .seconds(-3))
        #expect(Duration.microseconds(1_999).wholeMilliseconds == 1)
    }
}
