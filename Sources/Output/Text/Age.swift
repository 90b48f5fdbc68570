// Spans of time as people say them: ages in two units, measured times with the digits that matter.

extension Duration {
    /// How long ago, in a column: `0.2s`, `12s`, `3m05s`, `2h10m`, `4d3h`, `60d`. A negative span is `0s`.
    package var age: String {
        let milliseconds = wholeMillisecondsNotNegative
        let seconds = milliseconds / 1000
        switch seconds {
        case 0..<1 where milliseconds >= 100: return "0.\(milliseconds / 100)s"
        case 0..<60: return "\(seconds)s"
        case 60..<3600: return "\(seconds / 60)m\(Self.twoDigits(seconds % 60))s"
        case 3600..<86_400: return "\(seconds / 3600)h\(Self.twoDigits(seconds / 60 % 60))m"
        case 86_400..<(10 * 86_400): return "\(seconds / 86_400)d\(seconds / 3600 % 24)h"
        default: return "\(seconds / 86_400)d"
        }
    }

    /// A measured time in a sentence: `412 ms`, `1.3 s`, `75 s`, `12 min 5 s`, `3 h 2 min`.
    package var measured: String {
        let milliseconds = wholeMillisecondsNotNegative
        switch milliseconds {
        case 0..<1000: return "\(milliseconds) ms"
        case 1000..<10_000: return "\(milliseconds / 1000).\(milliseconds / 100 % 10) s"
        case 10_000..<120_000: return "\(milliseconds / 1000) s"
        case 120_000..<3_600_000: return "\(milliseconds / 60_000) min \(milliseconds / 1000 % 60) s"
        default: return "\(milliseconds / 3_600_000) h \(milliseconds / 60_000 % 60) min"
        }
    }

    private var wholeMillisecondsNotNegative: Int64 {
        max(0, components.seconds * 1000 + components.attoseconds / 1_000_000_000_000_000)
    }

    private static func twoDigits(_ value: Int64) -> String { value < 10 ? "0\(value)" : "\(value)" }
}
