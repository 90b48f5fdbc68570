import Calendar
import Model
import Testing

@Suite("The next times of cron expressions")
struct CronNextTests {
    /// `Fixtures/generate.py` made them with Python's zoneinfo: 24 zones, around their changes of clocks, also those that only
    /// the rule at the end of a zone's file knows.
    @Test func `the times are those of another implementation`() throws {
        let text = String(decoding: try Fixtures.bytes(Fixtures.folder + "next.txt"), as: UTF8.self)
        let lines = text.split(separator: "\n")
        #expect(lines.count > 500)
        for line in lines {
            let parts = line.split(separator: "|").map { $0.trimming() }
            let zone = try Fixtures.zones.rules(parts[0])
            let cron = try CronExpression(parsing: parts[1])
            var time = try #require(Timestamp(compact: parts[2]))
            for expected in parts[3].split(separator: " ") {
                let next = try #require(cron.next(after: time, in: zone), "\(line)")
                guard next.compact == expected else {
                    Issue.record(
                        "\(next.compact) instead of \(expected) after \(time.compact): \(parts[0]) \(parts[1])")
                    break
                }
                time = next
            }
        }
    }

    @Test(
        arguments: [
            // The clocks of Berlin jump from 02:00 to 03:00, at 01:00 UTC.
            ("30 2 * * *", "Europe/Berlin", "20260328T120000Z", ["20260329T010000Z", "20260330T003000Z"]),
            ("0,30 2 * * *", "Europe/Berlin", "20260328T120000Z", ["20260329T010000Z", "20260330T000000Z"]),
            ("0 2,3 * * *", "Europe/Berlin", "20260329T000000Z", ["20260329T010000Z", "20260330T000000Z"]),
            ("*/30 * * * *", "Europe/Berlin", "20260329T003000Z", ["20260329T010000Z", "20260329T013000Z"]),
            // And back from 03:00 to 02:00, at 01:00 UTC: 02:30 comes twice.
            ("30 2 * * *", "Europe/Berlin", "20261024T120000Z", ["20261025T003000Z", "20261026T013000Z"]),
            ("30 * * * *", "Europe/Berlin", "20261025T000000Z", ["20261025T003000Z", "20261025T013000Z"]),
            // A whole day that Samoa left out, 30 December 2011.
            (
                "0 9 * * *", "Pacific/Apia", "20111229T000000Z",
                ["20111229T190000Z", "20111230T100000Z", "20111230T190000Z"]
            ),
            // Half an hour.
            ("15 2 * * *", "Australia/Lord_Howe", "20261003T000000Z", ["20261003T153000Z", "20261004T151500Z"]),
        ] as [(String, String, String, [String])])
    func `a time that the clocks jump over comes after the gap, one that comes twice the first time`(
        _ text: String, _ zone: String, _ after: String, _ expected: [String]
    ) throws {
        let cron = try CronExpression(parsing: text)
        let rules = try Fixtures.zones.rules(zone)
        var time = try #require(Timestamp(compact: after))
        for expected in expected {
            time = try #require(cron.next(after: time, in: rules))
            #expect(time.compact == expected)
        }
    }

    @Test func `strictly after, by the millisecond`() throws {
        let cron = try CronExpression(parsing: "*/10 * * * * *")
        let next = { cron.next(after: Timestamp(milliseconds: $0), in: .utc)?.milliseconds }
        #expect(next(9_999) == 10_000)
        #expect(next(10_000) == 20_000)
        #expect(next(10_001) == 20_000)
        #expect(next(-1) == 0)
        #expect(next(-10_000) == 0)
    }

    @Test func `the farthest times, and none`() throws {
        let leap = try CronExpression(parsing: "0 0 29 2 *")
        #expect(
            leap.next(after: try #require(Timestamp(compact: "20960301T000000Z")), in: .utc)?.compact
                == "21040229T000000Z")
        let sunday = try CronExpression(parsing: "0 0 29 2 */7")
        #expect(
            sunday.next(after: try #require(Timestamp(compact: "20880301T000000Z")), in: .utc)?.compact
                == "21280229T000000Z")
        let daily = try CronExpression(parsing: "@daily")
        #expect(daily.next(after: Timestamp(milliseconds: .max), in: .utc) == nil)
        #expect(daily.next(after: try #require(Timestamp(compact: "99991231T000000Z")), in: .utc) == nil)
        #expect(daily.next(after: Timestamp(milliseconds: .min), in: .utc)?.compact == "00000101T000000Z")
    }

    @Test func `no hour is lost or doubled where each hour counts, in any zone`() throws {
        let hourly = try CronExpression(parsing: "0 * * * *")
        for name in ["Europe/Berlin", "America/New_York", "Asia/Kathmandu", "Pacific/Apia"] {
            let zone = try Fixtures.zones.rules(name)
            var time = try #require(Timestamp(compact: "20110101T000000Z"))
            for _ in 0..<(24 * 365 * 3) {
                let next = try #require(hourly.next(after: time, in: zone))
                #expect(next.milliseconds - time.milliseconds <= 3_600_000)
                time = next
            }
        }
    }
}

extension StringProtocol {
    fileprivate func trimming() -> String {
        String(drop { $0 == " " }.reversed().drop { $0 == " " }.reversed())
    }
}
