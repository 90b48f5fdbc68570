import Calendar
import Model
import Testing

@Suite("Rules at the end of a zone's file")
struct ZoneRuleTests {
    /// By hand, from POSIX and RFC 9636.
    @Test(arguments: [
        ("UTC0", "20260701T000000Z", 0), ("<+0330>-3:30", "20260701T000000Z", 12_600),
        ("NST3:30NDT,M3.2.0,M11.1.0", "20260701T000000Z", -9000),
        ("NST3:30NDT,M3.2.0,M11.1.0", "20260101T000000Z", -12_600),
        // The fourth Thursday of March, at 02:00 of the day after.
        ("IST-2IDT,M3.4.4/26,M10.5.0", "20260326T235959Z", 7200),
        ("IST-2IDT,M3.4.4/26,M10.5.0", "20260327T000000Z", 10_800),
        // 23:00 of the day before.
        ("<-02>2<-01>,M3.5.0/-1,M10.5.0/0", "20260329T005959Z", -7200),
        ("<-02>2<-01>,M3.5.0/-1,M10.5.0/0", "20260329T010000Z", -3600),
        // Day 60 is 1 March in every year; day 59, from 0, is 29 February in a leap year.
        ("AAA0BBB,J60/0,J300/0", "20280229T235959Z", 0), ("AAA0BBB,J60/0,J300/0", "20280301T000000Z", 3600),
        ("AAA0BBB,59/0,300/0", "20280228T235959Z", 0), ("AAA0BBB,59/0,300/0", "20280229T000000Z", 3600),
        // Saving time in the south, over the new year.
        ("AEST-10AEDT,M10.1.0,M4.1.0/3", "20260101T000000Z", 39_600),
        ("AEST-10AEDT,M10.1.0,M4.1.0/3", "20260701T000000Z", 36_000),
        // All year.
        ("EST5EDT,0/0,J365/25", "20260701T000000Z", -14_400), ("EST5EDT,0/0,J365/25", "20270101T050000Z", -14_400),
    ])
    func `offsets by a rule`(_ rule: String, _ time: String, _ offset: Int) throws {
        let time = try #require(Timestamp(compact: time))
        #expect(try ZoneRules(tzif: Self.file(rule)).offset(at: time) == offset)
    }

    @Test func `saving time all year is no change at the new year`() throws {
        let zone = try ZoneRules(tzif: Self.file("EST5EDT,0/0,J365/25"))
        let cron = try CronExpression(parsing: "30 0 * * *")
        var time = try #require(Timestamp(compact: "20261231T120000Z"))
        for expected in ["20270101T043000Z", "20270102T043000Z"] {
            time = try #require(cron.next(after: time, in: zone))
            #expect(time.compact == expected)
        }
    }

    @Test(arguments: [
        "X0", "UTC", "UTC25", "UTC0:60", "UTC0UTD", "UTC0UTD,M13.1.0,M1.1.0", "UTC0UTD,M1.6.0,M1.1.0",
        "UTC0UTD,M1.1.7,M1.1.0",
        "UTC0UTD,J0,J1", "UTC0UTD,366,1", "UTC0UTD,M3.2.0", "UTC0UTD,M3.2.0/168,M11.1.0", "UTC0 ", "<UTC0",
        "99999999999999999999",
    ])
    func `a rule that is none is refused with its place`(_ rule: String) {
        do {
            _ = try ZoneRules(tzif: Self.file(rule))
            Issue.record("\(rule) is a rule")
        } catch {
            #expect((99...(99 + rule.utf8.count)).contains(error.offset), "\(error)")
        }
    }

    /// A file with no transition: two headers, one kind of local time, the rule.
    private static func file(_ rule: String) -> [UInt8] {
        let header = Array("TZif2".utf8) + [UInt8](repeating: 0, count: 15)
        let none = [UInt8](repeating: 0, count: 24)
        let one: [UInt8] = [UInt8](repeating: 0, count: 16) + [0, 0, 0, 1, 0, 0, 0, 4]
        let kind: [UInt8] = [UInt8](repeating: 0, count: 6) + Array("UTC\0".utf8)
        return header + none + header + one + kind + Array("\n\(rule)\n".utf8)
    }
}
