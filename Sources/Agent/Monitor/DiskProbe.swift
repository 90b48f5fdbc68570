// How full a file system is. statfs on a dead network file system never returns, so it has one thread of its own: while
// that hangs, `disk` is unknown, nothing else waits, and no second thread is started.

internal import CLinux
internal import Glibc
internal import Model
internal import Synchronization

package final class DiskProbe: Sendable {
    private struct State {
        var isBusy = false
        var answer: String?
    }

    /// How long one look may take before it is reported as unknown.
    static let patience: Duration = .milliseconds(500)

    private let look: @Sendable () -> String
    private let pool = WorkerPool(name: "statfs", maximum: 1)
    private let state = Mutex(State())
    private let answered = Alarm()

    package convenience init(path: String) {
        self.init { Self.percentUsed(path) }
    }

    /// With another way of looking: a test's file system that hangs.
    package init(look: @escaping @Sendable () -> String) {
        self.look = look
    }

    package var threads: Int { pool.threads }

    /// The percentage in use, or `unknown`.
    package func value() async -> String {
        let isHanging = state.withLock { state in
            defer { state.isBusy = true }
            return state.isBusy
        }
        guard !isHanging else { return FieldValue.unknown }
        pool.submit { [self] in
            let answer = look()
            state.withLock { $0 = State(isBusy: false, answer: answer) }
            answered.ring()
        }
        let deadline = ContinuousClock.now + Self.patience
        while ContinuousClock.now < deadline, !Task.isCancelled {
            if let answer = state.withLock({ $0.isBusy ? nil : $0.answer }) { return answer }
            await answered.wait(until: deadline)
        }
        return state.withLock { $0.isBusy ? nil : $0.answer } ?? FieldValue.unknown
    }

    /// As df counts: what is used, of that and what an ordinary user could still use.
    private static func percentUsed(_ path: String) -> String {
        var status = statvfs()
        guard statvfs(path, &status) == 0 else { return FieldValue.unknown }
        return percentUsed(
            blocks: UInt64(status.f_blocks), free: UInt64(status.f_bfree), available: UInt64(status.f_bavail))
    }

    /// Of numbers that a file system makes up: more may be free than there is, and a sum may not fit.
    package static func percentUsed(blocks: UInt64, free: UInt64, available: UInt64) -> String {
        // Eight bits less of each, so that a hundred times their sum fits.
        var (used, left) = (blocks - min(free, blocks), available)
        if max(used, left) >> 56 != 0 { (used, left) = (used >> 8, left >> 8) }
        let usable = used + left
        return usable == 0 ? "0" : String((used * 100 + usable - 1) / usable)
    }
}
