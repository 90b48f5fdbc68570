import Calendar
import Glibc
import Model
import TestSeeds
import Testing

@Suite("Time zones")
struct ZoneTests {
    @Test func `UTC is there without any file`() throws {
        let zone = try ZoneDatabase(folder: "/nowhere").rules("UTC")
        #expect(zone.offset(at: Timestamp(milliseconds: 0)) == 0)
        #expect(throws: ZoneError.noDatabase(folder: "/nowhere")) {
            try ZoneDatabase(folder: "/nowhere").rules("Europe/Berlin")
        }
    }

    /// Of `date -d @… +%::z` with `TZ` set.
    @Test(arguments: [
        ("America/New_York", "20260301T000000Z", -18_000), ("America/New_York", "20260701T000000Z", -14_400),
        ("Asia/Kathmandu", "20260701T000000Z", 20_700), ("America/St_Johns", "20260701T000000Z", -9_000),
        ("Australia/Lord_Howe", "20260101T000000Z", 39_600), ("Australia/Lord_Howe", "20260701T000000Z", 37_800),
        ("Antarctica/Troll", "20260701T000000Z", 7_200), ("Antarctica/Troll", "20990101T000000Z", 0),
        ("Europe/Dublin", "20500701T000000Z", 3_600), ("Europe/Dublin", "20500101T000000Z", 0),
        ("Europe/Berlin", "18900101T000000Z", 3_208),
    ])
    func `offsets to UTC`(_ name: String, _ time: String, _ offset: Int) throws {
        let time = try #require(Timestamp(compact: time))
        #expect(try Fixtures.zones.rules(name).offset(at: time) == offset)
    }

    @Test func `every zone of this system can be read`() throws {
        let names = ZoneDatabase().names()
        #expect(names.count > 300)
        for name in names { _ = try ZoneDatabase().rules(name) }
    }

    @Test(
        arguments: [
            ("Berlin", "Europe/Berlin"), ("europe/berlin", "Europe/Berlin"), ("Europe/Berlim", "Europe/Berlin"),
            ("America/New York", "America/New_York"), ("utc", "UTC"), ("Xyzzy", nil), ("", nil), ("Europe", nil),
        ] as [(String, String?)])
    func `a zone that does not exist is answered with the nearest that does`(_ name: String, _ nearest: String?) {
        do {
            _ = try ZoneDatabase().rules(name)
            Issue.record("\(name) is a zone")
        } catch {
            guard case .unknown(name, let found) = error else {
                Issue.record("\(error)")
                return
            }
            if let nearest { #expect(found == nearest || found == "Etc/" + nearest) }
        }
    }

    @Test(arguments: [
        "../../../etc/passwd", "/etc/localtime", "Europe/../Europe/Berlin", "Europe//Berlin", "Europe/Berlin/", ".",
        "Europe/Ber\u{0}lin", "Europe/Berlin\n", "tzdata.zi", "localtime", "right/UTC", "-", "a/b/c/d",
        String(repeating: "a", count: 65), "Europé/Berlin",
    ])
    func `what is no name never becomes a path`(_ name: String) {
        do {
            _ = try ZoneDatabase().rules(name)
            Issue.record("\(name) is a zone")
        } catch {
            guard case .unknown = error else {
                Issue.record("\(error)")
                return
            }
            #expect(error.description.unicodeScalars.allSatisfy { $0.properties.generalCategory != .control })
        }
    }

    @Test func `a list or a folder that is no zone is not taken for one`() {
        #expect(throws: ZoneError.self) { try ZoneDatabase().rules("Europe") }
        #expect(throws: ZoneError.self) { try ZoneDatabase(folder: Fixtures.folder + "..").rules("Fixtures") }
    }

    // MARK: bytes

    @Test func `each way to be damaged is said with its place`() throws {
        let good = try Fixtures.bytes(Fixtures.folder + "zoneinfo/Europe/Berlin")
        #expect(throws: Never.self) { try ZoneRules(tzif: good) }
        for count in good.indices {
            #expect(throws: CalendarParseError.self, "cut to \(count) bytes") {
                try ZoneRules(tzif: Array(good[..<count]))
            }
        }
        #expect(throws: CalendarParseError(offset: 65_536, message: "expected at most 65536 bytes, found 65537")) {
            try ZoneRules(tzif: [UInt8](repeating: 0, count: 65_537))
        }
        var old = good
        old[4] = 0
        #expect(throws: CalendarParseError(offset: 44, message: "expected version 2 or later, found version 1")) {
            try ZoneRules(tzif: old)
        }
    }

    @Test func `a table that contradicts itself is refused with its place`() throws {
        let good = try Fixtures.bytes(Fixtures.folder + "zoneinfo/Europe/Berlin")
        let second = try #require(good.indices.dropFirst().first { good[$0...].starts(with: "TZif".utf8) })
        let times = second + 44
        let count = Int(good[second + 34]) << 8 | Int(good[second + 35])
        let damages: [(what: String, at: Int, bytes: ArraySlice<UInt8>, offset: Int)] = [
            ("times that go up", times, good[(times + 8)..<(times + 16)], times + 8),
            ("times that go up", times + 8, [0x7f], times + 8),
            ("a type below", times + count * 8, [200], times + count * 8),
            ("an offset within 26 hours", times + count * 9, [0, 2, 0, 0], times + count * 9 + 4),
            ("no leap seconds", second + 31, [1], times), ("a kind of local time", second + 39, [0], times),
        ]
        for damage in damages {
            var bytes = good
            bytes.replaceSubrange(damage.at..<(damage.at + damage.bytes.count), with: damage.bytes)
            do {
                _ = try ZoneRules(tzif: bytes)
                Issue.record("\(damage.what) was not missed")
            } catch {
                #expect(error.message.hasPrefix("expected \(damage.what)") && error.offset == damage.offset, "\(error)")
            }
        }
    }

    @Test func `no bytes at all trap, neither when read nor when asked`() throws {
        let cron = [try CronExpression(parsing: "30 2 * * *"), try CronExpression(parsing: "*/7 * * * *")]
        let originals = try ["Europe/Berlin", "Africa/Casablanca", "Antarctica/Troll", "America/Nuuk"].map {
            try Fixtures.bytes(Fixtures.folder + "zoneinfo/" + $0)
        }
        var read = 0
        for seed in Seeds.seeds(4000) {
            var generator = SeededGenerator(seed: seed)
            var bytes = originals[Int.random(in: originals.indices, using: &generator)]
            // Half of the mutations where most of the meaning is: the second header, and the rule at the end.
            for _ in 0..<Int.random(in: 1...4, using: &generator) {
                let isEnd = Bool.random(using: &generator)
                let index =
                    isEnd
                    ? bytes.count - Int.random(in: 1...40, using: &generator)
                    : Int.random(in: bytes.indices, using: &generator)
                bytes[index] = UInt8.random(in: isEnd ? 40...80 : 0...255, using: &generator)
            }
            if Int.random(in: 0..<10, using: &generator) == 0 {
                bytes.removeLast(Int.random(in: 0..<bytes.count, using: &generator))
            }
            guard let zone = try? ZoneRules(tzif: bytes) else { continue }
            read += 1
            for _ in 0..<4 {
                let time = Timestamp(
                    milliseconds: Int64.random(in: -10_000_000_000_000...10_000_000_000_000, using: &generator))
                _ = zone.offset(at: time)
                for cron in cron {
                    if let next = cron.next(after: time, in: zone) { #expect(next > time, "REDOPS_SEED=\(seed)") }
                }
            }
            _ = zone.offset(at: Timestamp(milliseconds: .max))
            _ = zone.offset(at: Timestamp(milliseconds: .min))
        }
        #expect(read > 100)
    }
}
