// The signals that are meant for the command and not for us: kept as they come, until somebody passes them on.

internal import CLinux
internal import Glibc

struct PassedSignals: Sendable {
    /// Becomes readable when a signal came.
    let descriptor: Int32

    /// To be made once in a process. What was ignored when we were started, as by nohup, stays ignored, also by the command.
    init() throws(CommandFailure) {
        let numbers = [SIGTERM, SIGINT, SIGHUP].filter { redops_is_ignored($0) == 0 } + [SIGCHLD]
        descriptor = redops_watch_signals(numbers, Int32(numbers.count))
        guard descriptor >= 0 else { throw CommandFailure("cannot watch for signals: \(systemText(-descriptor))") }
    }

    /// Those that came since it was last asked.
    func taken() -> [Int32] {
        var bytes = [UInt8](repeating: 0, count: 64)
        let count = read(descriptor, &bytes, bytes.count)
        return bytes.prefix(max(0, count)).map(Int32.init)
    }
}
