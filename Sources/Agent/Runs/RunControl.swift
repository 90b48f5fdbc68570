// Ends one attempt from outside, at once: the thread that does it waits on this and on its process together.

internal import CLinux
internal import Glibc
internal import Model
internal import Synchronization

package final class RunControl: Sendable {
    package enum Stop: Sendable {
        /// Somebody wants its end: what runs is stopped.
        case cancel
        /// The agent ends: what runs goes on, and the next life of the agent with it.
        case giveUp
    }

    private let reason = Mutex<Stop?>(nil)
    /// For what knows nothing of being cancelled.
    let giveUp = GiveUp()
    /// Readable once it is set; negative, and so passed over by poll, where the process has no file left: then the stop is
    /// seen at the next look.
    let bell = eventfd(0, Int32(EFD_CLOEXEC | EFD_NONBLOCK))

    package init() {}

    deinit { if bell >= 0 { close(bell) } }

    package var stop: Stop? { reason.withLock { $0 } }

    /// The first reason stands.
    package func stop(_ why: Stop) {
        let isFirst = reason.withLock { reason in
            guard reason == nil else { return false }
            reason = why
            return true
        }
        guard isFirst else { return }
        giveUp.set()
        var one: UInt64 = 1
        if bell >= 0 { write(bell, &one, 8) }
    }
}

/// Waits for a process, a deadline, or a stop, whichever comes first.
enum ProcessWatch {
    enum End: Sendable, Hashable {
        case ended
        case late
        case cancelled
        case givenUp
    }

    /// From TERM to KILL.
    static let termPatience: Duration = .seconds(2)
    private static let longestLook: Duration = .milliseconds(100)

    /// `look` is called now and then, and says after what time it is to be called again. A process that is late or
    /// cancelled has been stopped with all of its session when this returns.
    static func wait(
        for handle: ProcessHandle, until deadline: ContinuousClock.Instant, _ control: RunControl,
        look: () -> Duration = { longestLook }
    ) -> End {
        while true {
            let next = min(look(), longestLook)
            if poll(handle, control, for: min(next, deadline - .now)) { return .ended }
            switch control.stop {
            case .cancel: return stop(handle, .cancelled, look)
            case .giveUp: return .givenUp
            case nil: if ContinuousClock.now >= deadline { return stop(handle, .late, look) }
            }
        }
    }

    private static func stop(_ handle: ProcessHandle, _ end: End, _ look: () -> Duration) -> End {
        _ = ProcessStop.stop(handle, patience: termPatience) { _ = look() }
        return end
    }

    /// Whether the process has ended.
    private static func poll(_ handle: ProcessHandle, _ control: RunControl, for time: Duration) -> Bool {
        var entries = [
            pollfd(fd: handle.number, events: Int16(POLLIN), revents: 0),
            pollfd(fd: control.bell, events: Int16(POLLIN), revents: 0),
        ]
        let ready = Glibc.poll(&entries, 2, Int32(clamping: max(1, time.wholeMilliseconds)))
        return ready > 0 && entries[0].revents != 0
    }
}
