// Standard output for data, standard error for everything else, and what kind of thing they are.

internal import Glibc
internal import Output

enum Console {
    /// Data. The text must be printable already, and ends with its own newline.
    static func out(_ text: String) { write(text, to: STDOUT_FILENO) }

    /// A line for people, on standard error.
    static func note(_ line: String) { write("opsapply: \(line)\n", to: STDERR_FILENO) }

    /// Text on standard error as it is: questions and progress.
    static func aside(_ text: String) { write(text, to: STDERR_FILENO) }

    static let paint = Paint(
        enabled: isatty(STDOUT_FILENO) == 1 && mayColour,
        width: isatty(STDOUT_FILENO) == 1 ? max(Table.leastRoom, width(STDOUT_FILENO)) : .max)
    static let asidePaint = Paint(enabled: isatty(STDERR_FILENO) == 1 && mayColour)

    /// Whether progress can be redrawn in place.
    static let showsLiveProgress = isatty(STDERR_FILENO) == 1 && environment("TERM") != "dumb"

    /// Whether there is a person who can be asked.
    static let canAsk = isatty(STDIN_FILENO) == 1 && isatty(STDERR_FILENO) == 1

    /// The terminal's width, where standard error is one.
    static var width: Int { width(STDERR_FILENO) }

    private static func width(_ descriptor: Int32) -> Int {
        var size = winsize()
        guard ioctl(descriptor, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0 else { return Table.leastRoom }
        return Int(size.ws_col)
    }

    /// Asks for a yes; anything else is a no.
    static func ask(_ question: String) -> Bool {
        aside("\(question) [y/N] ")
        let answer = readLine()?.lowercased() ?? ""
        return answer == "y" || answer == "yes"
    }

    static func environment(_ name: String) -> String? {
        guard let value = getenv(name), value.pointee != 0 else { return nil }
        return String(cString: value)
    }

    private static var mayColour: Bool { environment("NO_COLOR") == nil && environment("TERM") != "dumb" }

    private static func write(_ text: String, to descriptor: Int32) {
        var text = text
        text.withUTF8 { bytes in
            var start = 0
            while start < bytes.count {
                let count = Glibc.write(descriptor, bytes.baseAddress.map { $0 + start }, bytes.count - start)
                if count < 0, errno == EINTR { continue }
                // Whoever read standard output is gone: end as SIGPIPE would.
                if count < 0, errno == EPIPE, descriptor == STDOUT_FILENO { exit(128 + SIGPIPE) }
                guard count > 0 else { return }
                start += count
            }
        }
    }
}
