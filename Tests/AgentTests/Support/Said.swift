// What an agent logged, for tests of what people are told.

import Logging
import Synchronization

final class Said: Sendable {
    private let kept = Mutex<[String]>([])

    /// All lines so far: the message and its metadata.
    var lines: [String] { kept.withLock { $0 } }

    func count(_ text: String, _ more: String = "") -> Int {
        lines.count { $0.hasPrefix(text) && $0.contains(more) }
    }

    var log: Logger { Logger(label: "said") { _ in Handler(said: self) } }

    private struct Handler: LogHandler {
        let said: Said
        var logLevel = Logger.Level.trace
        var metadata: Logger.Metadata = [:]

        subscript(metadataKey key: String) -> Logger.Metadata.Value? {
            get { metadata[key] }
            set { metadata[key] = newValue }
        }

        func log(event: LogEvent) {
            let given = (event.metadata ?? [:]).map { " \($0.key)=\($0.value)" }.sorted().joined()
            said.kept.withLock { $0.append("\(event.message)\(given)") }
        }
    }
}
