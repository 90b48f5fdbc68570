// The store is away, or is back: said once each, not with every call that fails.

package import Logging
package import Store
internal import Synchronization

package final class Outage: Sendable {
    private let log: Logger
    private let since = Mutex<ContinuousClock.Instant?>(nil)

    package init(log: Logger) {
        self.log = log
    }

    package func began(_ error: StoreError) {
        let isFirst = since.withLock { since in
            defer { since = since ?? .now }
            return since == nil
        }
        guard isFirst else { return }
        log.warning(
            "the store does not answer; services are supervised, reports wait", metadata: ["reason": "\(error.text)"])
    }

    package func over() {
        let began = since.withLock { since in
            defer { since = nil }
            return since
        }
        guard let began else { return }
        log.notice("the store answers again", metadata: ["after": "\(ContinuousClock.now - began)"])
    }
}

extension StoreError {
    /// For people.
    package var text: String {
        switch self {
        case .conflict(let found): "somebody was first: \(found)"
        case .fenced(let epoch): "refused: a newer leader (epoch \(epoch)) has taken over"
        case .notFound(let what): "not found: \(what)"
        case .unavailable(let why), .indeterminate(let why): why
        case .corrupt(let key, let why): "\(key) cannot be read: \(why)"
        }
    }
}
