import Synchronization

/// `n1`, `n2`, …
final class NonceCounter: Sendable {
    private let count = Mutex(0)
    private let prefix: String

    init(prefix: String = "n") {
        self.prefix = prefix
    }

    func next() -> String {
        count.withLock { count in
            count += 1
            return "\(prefix)\(count)"
        }
    }
}
