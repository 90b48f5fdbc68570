// `--timeout 5m` as an argument.

internal import ArgumentParser
internal import Output

/// A span of time from the command line.
struct Span: ExpressibleByArgument {
    let duration: Duration

    init(_ duration: Duration) {
        self.duration = duration
    }

    init?(argument: String) {
        guard let duration = Duration(reading: argument) else { return nil }
        self.duration = duration
    }

    var defaultValueDescription: String { duration.age }
}
