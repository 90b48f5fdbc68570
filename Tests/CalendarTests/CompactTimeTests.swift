import Calendar
import Model
import Testing

@Suite("Times in ids")
struct CompactTimeTests {
    @Test(
        arguments: [
            (0, "19700101T000000Z"), (1_795_831_200_000, "20261128T020000Z"), (1_709_164_800_000, "20240229T000000Z"),
            (-1000, "19691231T235959Z"), (253_402_300_799_000, "99991231T235959Z"),
            (-62_167_219_200_000, "00000101T000000Z"),
        ] as [(Int64, String)])
    func `written and read`(_ milliseconds: Int64, _ text: String) {
        #expect(Timestamp(milliseconds: milliseconds).compact == text)
        #expect(Timestamp(compact: text)?.milliseconds == milliseconds)
    }

    @Test func `rounded down, and kept within four digits of a year`() {
        #expect(Timestamp(milliseconds: 999).compact == "19700101T000000Z")
        #expect(Timestamp(milliseconds: -1).compact == "19691231T235959Z")
        #expect(Timestamp(milliseconds: .max).compact == "99991231T235959Z")
        #expect(Timestamp(milliseconds: .min).compact == "00000101T000000Z")
    }

    @Test(arguments: [
        "", "20261128T020000", "20261128t020000Z", "20261328T020000Z", "20260230T020000Z", "20261128T240000Z",
        "20261128T026000Z", "20261128T020060Z", "2026-1-28T020000Z", "20261128T020000Z ", "+0261128T020000Z",
    ])
    func `nothing else is read`(_ text: String) {
        #expect(Timestamp(compact: text) == nil)
    }
}
