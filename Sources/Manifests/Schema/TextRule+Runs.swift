// The formats of what only runs and Schedules have.

internal import Calendar
internal import Model

extension TextRule {
    static let cron = TextRule(
        expected: "a cron expression such as \"30 2 * * *\" or \"@daily\"", maximumLength: 256
    ) { text in
        do throws(CalendarParseError) {
            _ = try CronExpression(parsing: text)
            return nil
        } catch {
            return Problem(detail: error.message, offset: error.offset)
        }
    }

    /// Whether there is such a zone, only the disk knows.
    static let zoneName = TextRule.name(
        "the IANA name of a time zone, such as \"Europe/Berlin\"", pattern: "^[A-Za-z0-9][A-Za-z0-9_+/-]{0,63}$",
        limit: 64, first: Letters.isAlphanumeric,
        rest: { Letters.isAlphanumeric($0) || Letters.isOne(of: "_+/-", $0) })

    static let metric = TextRule.name(
        "the name of a field of the monitor hash, such as \"disk\"", pattern: "^[A-Za-z0-9_][A-Za-z0-9_.:/%-]{0,127}$",
        limit: 128, first: { Letters.isAlphanumeric($0) || Letters.isOne(of: "_", $0) },
        rest: { Letters.isAlphanumeric($0) || Letters.isOne(of: "_.:/%-", $0) })

    /// Filled in, it is still a name and no path.
    static let filePattern = TextRule(
        expected: "the name of a file, in which * stands for any characters, such as \"shop-*.sql\"",
        pattern: "^[^/]+$", maximumLength: 255
    ) { text in
        if text.isEmpty || text == "." || text == ".." { return Problem() }
        if text.utf8.contains(UInt8(ascii: "/")) {
            return Problem(detail: "it has a slash in it", hint: "say with \"in\" which folder is meant")
        }
        return text.utf8.contains { $0 < 0x20 || $0 == 0x7F }
            ? Problem(detail: "it has a control character in it") : nil
    }.asTemplate()

    static let runID = TextRule(
        expected:
            "an id of 1 to \(RunBounds.longestID) letters, digits, \"_\", \"-\" and \".\", not beginning with \".\"",
        pattern: "^[A-Za-z0-9_-][A-Za-z0-9._-]{0,127}$", typeHint: "write it in quotes"
    ) { text in
        RunBounds.isValid(id: text) ? nil : Problem()
    }
}
