// Logs of the programs: one line for each entry on standard error, `time level message key=value`, so that a person can
// read them as they come and a collector can split them. A value with spaces is quoted; a line never holds a newline.

public import Logging
internal import Glibc
internal import Model

public struct StderrLogHandler: LogHandler {
    public var logLevel: Logger.Level
    public var metadata: Logger.Metadata = [:]

    public init(level: Logger.Level) {
        logLevel = level
    }

    /// Makes every logger of this process write this way.
    public static func bootstrap(level: Logger.Level) {
        LoggingSystem.bootstrap { _ in StderrLogHandler(level: level) }
    }

    public subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    public func log(event: LogEvent) {
        var all = metadata
        if let given = event.metadata { all.merge(given) { _, new in new } }
        if let error = event.error { all["error"] = "\(error)" }
        let line = Self.line(at: Self.now(), level: event.level, message: event.message.description, metadata: all)
        Self.write(line)
    }

    static func line(at time: Timestamp, level: Logger.Level, message: String, metadata: Logger.Metadata) -> String {
        var line = "\(time.rfc3339) \(level.rawValue) \(oneLine(message))"
        for (key, value) in metadata.sorted(by: { $0.key < $1.key }) {
            line += " \(key)=\(quoted(value.description))"
        }
        return line + "\n"
    }

    private static func oneLine(_ text: String) -> String {
        text.utf8.contains { $0 < 0x20 } ? String(text.map { $0.isNewline || $0 == "\t" ? " " : $0 }) : text
    }

    private static func quoted(_ text: String) -> String {
        let plain = !text.isEmpty && text.utf8.allSatisfy { $0 > 0x20 && $0 != UInt8(ascii: "\"") }
        guard !plain else { return text }
        return "\"" + oneLine(text).replacing(quote: "\\\"") + "\""
    }

    /// One `write` for a line, so that lines of several threads never mix.
    private static func write(_ line: String) {
        var rest = Array(line.utf8)[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { Glibc.write(STDERR_FILENO, $0.baseAddress, $0.count) }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { return }
            rest = rest.dropFirst(count)
        }
    }

    private static func now() -> Timestamp {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return Timestamp(milliseconds: Int64(time.tv_sec) * 1000 + Int64(time.tv_nsec) / 1_000_000)
    }
}

extension String {
    fileprivate func replacing(quote replacement: String) -> String {
        var text = ""
        for character in self { text += character == "\"" ? replacement : String(character) }
        return text
    }
}
