// What becomes of an output file that nobody reads any more. Mostly it goes; where a program that was left running in the
// background still writes to it, it stays where it can be seen and is emptied again and again: a file without a name that
// grows until the disk is full would be found by nobody.

internal import Glibc

package final class LeftOutputs: Sendable {
    /// A longer file is emptied.
    package static let longest: Int64 = 1 << 20
    /// Between two looks: the less, the faster they grow.
    private static let pauses: ClosedRange<Duration> = .milliseconds(5)...(.seconds(1))
    /// Asks for a lease, which the system gives only on a file that nobody else has open; closing gives it back (fcntl(2);
    /// the headers show it only under _GNU_SOURCE).
    private static let setLease: Int32 = 1024
    /// Whoever opens the file meanwhile has the holder told, by a signal that would end it if it were not another one.
    private static let setSignal: Int32 = 10

    private let folder: String
    private let alarm = Alarm()
    /// Emptying a large file takes its time.
    private let hands = WorkerPool(name: "left", maximum: 1)

    init(folder: String) {
        self.folder = folder
    }

    /// A file that is not needed any more. What the caller had it open with is closed.
    func discard(_ path: String) {
        let name = String(UInt64.random(in: .min ... .max), radix: 16)
        if Self.isHeld(path), rename(path, "\(folder)/\(name)") == 0 { return alarm.ring() }
        unlink(path)
    }

    /// Bounds what is left until it is cancelled.
    package func run() async {
        var pause = Self.pauses.lowerBound
        while !Task.isCancelled {
            let (left, hasGrown) = await hands.run { self.sweep() }
            pause = left == 0 || hasGrown ? Self.pauses.lowerBound : min(pause * 2, Self.pauses.upperBound)
            await alarm.wait(until: left == 0 ? nil : .now + pause)
        }
    }

    /// Removes what nobody writes to any more and empties what is long. How many are left, and whether one was.
    func sweep() -> (left: Int, hasGrown: Bool) {
        var (left, hasGrown) = (0, false)
        for name in StateFolder.names(in: folder) {
            let path = "\(folder)/\(name)"
            guard Self.isHeld(path) else {
                unlink(path)
                continue
            }
            left += 1
            var status = stat()
            guard lstat(path, &status) == 0, Int64(status.st_size) > Self.longest else { continue }
            hasGrown = true
            truncate(path, 0)
        }
        return (left, hasGrown)
    }

    /// Where it cannot be told, nobody has it.
    private static func isHeld(_ path: String) -> Bool {
        guard let file = try? OpenFile.open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK) else { return false }
        _ = fcntl(file.number, setSignal, SIGURG)
        return fcntl(file.number, setLease, F_WRLCK) != 0 && errno == EAGAIN
    }
}
