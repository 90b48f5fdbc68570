// Runs one command to its end on the calling thread, within a deadline, with bounded output.
//
// The output goes to a file and not to a pipe, so that a command outlives an agent that is killed without being killed
// by its next line of output; the agent that comes after waits for it instead of starting it a second time.

internal import CLinux
internal import Glibc
internal import Model
internal import Store
internal import Synchronization

/// Set from outside when the agent ends: no further step is begun, and what runs is left to the agent that comes after.
package final class GiveUp: Sendable {
    private let flag = Atomic(false)

    package init() {}
    package var isSet: Bool { flag.load(ordering: .acquiring) }
    package func set() { flag.store(true, ordering: .releasing) }
}

package enum CommandEnd: Sendable, Hashable {
    case ended(ProcessExit)
    case timedOut
    case givenUp
}

package struct CommandRun {
    /// From TERM to KILL when the deadline has passed.
    static let termPatience: Duration = .seconds(2)
    /// How often output and `GiveUp` are looked at while it runs.
    private static let look: Duration = .milliseconds(50)
    /// A longer output file is cut, and what was in it is lost but for its end.
    private static let longestOutput: Int64 = 1 << 20

    let names: OwnerNames
    /// Where the output goes; nil: nowhere.
    let outputPath: String?
    let deadline: ContinuousClock.Instant
    let giveUp: GiveUp

    /// Starts the program and waits for its end.
    func run(
        _ program: Program, beforeItBegins: (ProcessIdentity) throws(StepError) -> Void
    ) throws(StepError) -> CommandEnd {
        let output = try openOutput()
        let child = try ChildProcess.start(program, names: names, output: output, beforeItBegins: beforeItBegins)
        return wait(for: child.handle)
    }

    /// Waits for a command that an earlier life of this agent started.
    func wait(for handle: ProcessHandle) -> CommandEnd {
        while true {
            if handle.waitForEnd(until: min(deadline, .now + Self.look)) {
                return .ended(handle.exit() ?? .unknown)
            }
            boundOutput()
            if giveUp.isSet { return .givenUp }
            guard ContinuousClock.now >= deadline else { continue }
            _ = ProcessStop.stop(handle, patience: Self.termPatience)
            _ = handle.exit()
            return .timedOut
        }
    }

    /// The end of what it wrote, as text.
    func output() -> String {
        guard let outputPath, let file = try? OpenFile.open(outputPath, O_RDONLY) else { return "" }
        var status = stat()
        guard fstat(file.number, &status) == 0 else { return "" }
        lseek(file.number, max(0, off_t(status.st_size) - off_t(QueueBounds.outputBytes)), SEEK_SET)
        let bytes = (try? file.readAll(limit: QueueBounds.outputBytes)) ?? []
        return String(decoding: bytes, as: UTF8.self)
    }

    private func openOutput() throws(StepError) -> OpenFile {
        let flags = O_WRONLY | O_APPEND | O_CREAT | O_NOFOLLOW
        do throws(SystemError) {
            return try OpenFile.open(outputPath ?? "/dev/null", flags, mode: 0o600)
        } catch let error {
            throw error.step
        }
    }

    private func boundOutput() {
        guard let outputPath else { return }
        var status = stat()
        guard stat(outputPath, &status) == 0, status.st_size > Self.longestOutput else { return }
        let tail = output()
        guard let file = try? OpenFile.open(outputPath, O_WRONLY | O_APPEND) else { return }
        ftruncate(file.number, 0)
        try? file.writeAll(Array(tail.utf8), for: outputPath)
    }
}
