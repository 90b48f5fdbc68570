// Reading a span of time from the command line, as manifests write it.

extension Duration {
    /// Reads `500ms`, `30s`, `5m`, `2h`, `1d`, a plain number of seconds, or several of them (`1m30s`); nil for anything else.
    package init?(reading text: String) {
        if let seconds = Int64(text), seconds >= 0, seconds <= Self.longest {
            self = .seconds(seconds)
            return
        }
        var rest = Substring(text)
        var total: Int64 = 0
        while !rest.isEmpty {
            let digits = rest.prefix { ("0"..."9").contains($0) }
            rest = rest.dropFirst(digits.count)
            let unit = rest.prefix { !("0"..."9").contains($0) }
            rest = rest.dropFirst(unit.count)
            guard let count = Int64(digits), count <= Self.longest, let factor = Self.factors[String(unit)] else {
                return nil
            }
            total += count * factor
        }
        guard !text.isEmpty else { return nil }
        self = .milliseconds(total)
    }

    /// The largest number before a unit; enough for any wait, and no product of it overflows.
    private static let longest: Int64 = 1_000_000_000

    private static let factors: [String: Int64] = [
        "ms": 1, "s": 1000, "m": 60_000, "min": 60_000, "h": 3_600_000, "d": 86_400_000,
    ]
}
