import Calendar
import Model
import TestSeeds
import Testing

@Suite("Reading cron expressions")
struct CronParseTests {
    private static let long = String(repeating: "1,", count: 128) + "1 * * * *"

    @Test(
        arguments: [
            (
                "", 0,
                "expected five fields (minute, hour, day of the month, month, weekday), or six with seconds first, found none"
            ),
            (
                "* * * *", 7,
                "expected five fields (minute, hour, day of the month, month, weekday), or six with seconds first, found 4"
            ),
            (
                "* * * * * * *", 12,
                "expected five fields (minute, hour, day of the month, month, weekday), or six with seconds first, found 7"
            ),
            ("60 * * * *", 0, "expected a minute of 0 to 59, found '60'"),
            ("60 * * * * *", 0, "expected a second of 0 to 59, found '60'"),
            ("0 24 * * *", 2, "expected an hour of 0 to 23, found '24'"),
            ("0 0 0 * *", 4, "expected a day of the month of 1 to 31, found '0'"),
            ("0 0 32 * *", 4, "expected a day of the month of 1 to 31, found '32'"),
            ("0 0 1 13 *", 6, "expected a month of 1 to 12, or jan to dec, found '13'"),
            ("0 0 1 foo *", 6, "expected a month of 1 to 12, or jan to dec, found 'foo'"),
            ("0 0 1 january *", 6, "expected a month of 1 to 12, or jan to dec, found 'january'"),
            ("0 0 * * 8", 8, "expected a weekday of 0 to 7, or sun to sat, found '8'"),
            ("0 0 * * mon-", 12, "expected a weekday of 0 to 7, or sun to sat, found nothing"),
            ("0 0 * * fri-mon", 8, "expected a range that does not run backwards, found 'fri-mon'"),
            ("0 0 * nov-feb *", 6, "expected a range that does not run backwards, found 'nov-feb'"),
            ("30-10 * * * *", 0, "expected a range that does not run backwards, found '30-10'"),
            ("*/0 * * * *", 2, "expected a step of 1 to 59, found '0'"),
            ("*/60 * * * *", 2, "expected a step of 1 to 59, found '60'"),
            ("0 */x * * *", 4, "expected a step of 1 to 23, found 'x'"),
            ("0 5/ * * *", 4, "expected a step of 1 to 23, found nothing"),
            ("1,,2 * * * *", 2, "expected a minute of 0 to 59, found ','"),
            ("1, * * * *", 2, "expected a minute of 0 to 59, found nothing"),
            ("1;2 * * * *", 1, "expected the end of the minute, found ';2'"),
            ("** * * * *", 1, "expected the end of the minute, found '*'"),
            ("*-5 * * * *", 1, "expected the end of the minute, found '-5'"),
            ("-5 * * * *", 0, "expected a minute of 0 to 59, found '-5'"),
            ("0 0 L * *", 4, "expected a day of the month of 1 to 31, found 'L'"),
            ("0 0 ? * 1", 4, "expected a day of the month of 1 to 31, found '?'"),
            ("0 0 1 märz *", 6, "expected a month of 1 to 12, or jan to dec, found 'märz'"),
            ("99999999999999999999999 * * * *", 0, "expected a minute of 0 to 59, found '99999999999999999999999'"),
            ("0 0 30 2 *", 4, "expected a day of the month that one of these months has, found 30"),
            ("0 0 30,31 feb *", 4, "expected a day of the month that one of these months has, found 30"),
            ("0 0 0 31 2,4,6,9,11 *", 6, "expected a day of the month that one of these months has, found 31"),
            (
                "@dayly", 0,
                "expected one of @yearly @annually @monthly @weekly @daily @midnight @hourly, found '@dayly'"
            ),
            (
                "@reboot", 0,
                "expected one of @yearly @annually @monthly @weekly @daily @midnight @hourly, found '@reboot'"
            ),
            ("@daily 5", 7, "expected nothing after @daily, found '5'"),
            ("0 0 *\n* *", 5, "expected fields of a cron expression, found the control character U+000A"),
            ("0 0 * * *\u{0}", 9, "expected fields of a cron expression, found the control character U+0000"),
            ("0 0 * * *\u{7f}", 9, "expected fields of a cron expression, found the control character U+007F"),
            (long, 256, "expected at most 256 bytes, found 265"),
        ] as [(String, Int, String)])
    func `what is wrong is said with its place`(_ text: String, _ offset: Int, _ message: String) {
        #expect(throws: CalendarParseError(offset: offset, message: message)) {
            try CronExpression(parsing: text)
        }
    }

    /// Two texts that mean the same: their next hundred times are the same.
    @Test(arguments: [
        ("@yearly", "0 0 1 1 *"), ("@annually", "0 0 1 jan *"), ("@monthly", "0 0 1 * *"), ("@weekly", "0 0 * * 7"),
        ("@Daily", "0 0 * * *"), ("@midnight", "0 0 * * *"), (" @hourly ", "0 * * * *"),
        ("*/20 * * * *", "0,20,40 * * * *"), ("10-50/10 * * * *", "10,20,30,40,50 * * * *"),
        ("5/15 * * * *", "5,20,35,50 * * * *"), ("0 0 * * MON-fri", "0 0 * * 1,2,3,4,5"),
        ("0 0 * * sat-sun", "0 0 * * 0,6"), ("0 0 * * 5-7", "0 0 * * 5,6,0"), ("0 0 * * sun-tue", "0 0 * * 0,1,2"),
        ("0 0 * * 1/2", "0 0 * * 1,3,5"), ("0 0 1 Jan-MAR *", "0 0 1 1-3 *"), ("30 0 0 * * *", "30 00 000 * * *"),
        ("\t0  0 \t* * * ", "0 0 * * *"), ("0 0 0 * * *", "0 0 * * *"),
    ])
    func `two ways to write the same`(_ one: String, _ other: String) throws {
        #expect(try first(100, one) == first(100, other))
    }

    @Test func `a day that either field names, where both are restricted`() throws {
        // February 2026 begins on a Sunday.
        let days = { (text: String) in try first(4, text).map { $0.compact.prefix(8).suffix(4) } }
        #expect(try days("0 0 13 2 5") == ["0206", "0213", "0220", "0227"])
        #expect(try days("0 0 30 2 mon") == ["0202", "0209", "0216", "0223"])
        // `*/5` begins with `*`: then both must hold. 1, 6, 11, 16, 21 and 26 February; Fridays are 6, 13, 20 and 27.
        #expect(try first(1, "0 0 */5 2 fri").map(\.compact) == ["20260206T000000Z"])
        #expect(try first(2, "0 0 */5 2 fri").map(\.compact).last == "20270226T000000Z")
    }

    @Test func `no text at all traps`() {
        let alphabet = Array("0123456789*/-,@ \tmonjanSUN?L\u{0}ä")
        for seed in Seeds.seeds(20_000) {
            var generator = SeededGenerator(seed: seed)
            let length = Int.random(in: 0...24, using: &generator)
            let text = String((0..<length).map { _ in alphabet[Int.random(in: alphabet.indices, using: &generator)] })
            do {
                let cron = try CronExpression(parsing: text)
                #expect(cron.next(after: start, in: .utc) != nil, "REDOPS_SEED=\(seed) '\(text)'")
            } catch {
                #expect((0...text.utf8.count).contains(error.offset), "REDOPS_SEED=\(seed) '\(text)'")
            }
        }
    }

    private let start = Timestamp(milliseconds: 1_767_225_600_000)

    private func first(_ count: Int, _ text: String) throws -> [Timestamp] {
        let cron = try CronExpression(parsing: text)
        var times = [start]
        while times.count <= count { times.append(try #require(cron.next(after: times[times.count - 1], in: .utc))) }
        return Array(times.dropFirst())
    }
}
