// One service of one instance: its process, and what is known of it.
//
// Two locks: `operation` is held while the process is started, stopped or reloaded (seconds), `state` only to look or to
// note (never while anything waits).

internal import CLinux
internal import Glibc
internal import Model
internal import Synchronization

final class ManagedService: Sendable {
    struct State {
        var record: ServiceRecord?
        var handle: ProcessHandle?
        var value = FieldValue.stopped
        /// Being stopped on purpose: its end is no incident.
        var stopping = false
        var backoff = RestartBackoff()
        var startedAt: ContinuousClock.Instant = .now
        /// When it will be started again by itself; nil if it will not.
        var restartAt: ContinuousClock.Instant?
    }

    let key: ServiceKey
    let operation = Mutex<Void>(())
    let state = Mutex(State())

    init(_ key: ServiceKey) {
        self.key = key
    }
}

/// The wait before a service that ended by itself is started again: none at first, then 1, 2, 4 … 60 s; forgotten once it
/// has run for a while.
package struct RestartBackoff: Sendable, Hashable {
    static let longest: Duration = .seconds(60)
    static let forgottenAfter: Duration = .seconds(10)

    private var failures = 0

    package init() {}

    package mutating func next(ranFor time: Duration) -> Duration {
        if time >= Self.forgottenAfter { failures = 0 }
        defer { failures += 1 }
        guard failures > 0 else { return .zero }
        return min(Self.longest, .seconds(1 << min(failures - 1, 6)))
    }

    mutating func reset() { failures = 0 }
}
