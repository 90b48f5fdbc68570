// What a run leaves in the state folder while it is open: the output of its programs, how far the store has that, and for
// each program the file in which its monitor says how it ended. One file for each attempt and step: an older answer is
// never taken for a newer one.

internal import Glibc
internal import Model

struct RunFiles: Sendable {
    private let folder: String
    private let stem: String
    private let left: LeftOutputs

    /// `run`: what the journal knows the job by. It may hold what no file name can.
    init(run: String, in state: StateFolder) {
        folder = state.runsPath
        left = state.left
        stem = Self.stem(of: run)
    }

    static func stem(of run: String) -> String { String(Digest.sha256(Array(run.utf8)).prefix(32)) }

    var output: String { "\(folder)/\(stem).out" }
    var mark: String { "\(folder)/\(stem).sent" }

    func status(attempt: Int, step: Int) -> String { "\(folder)/\(stem).\(attempt).\(step)" }

    /// A new, empty file for the monitor of a program to write to.
    func makeStatus(attempt: Int, step: Int) throws(StepError) -> OpenFile {
        try Self.make(status(attempt: attempt, step: step), O_WRONLY)
    }

    /// New, empty files for output: who still writes to one of an earlier attempt writes elsewhere.
    func makeOutput(feed: RunFeed) throws(StepError) -> OutputReader {
        left.discard(output)
        let mark = OutputMark(try Self.make(mark, O_RDWR))
        return OutputReader(try Self.make(output, O_RDWR | O_APPEND), feed: feed, mark: mark)
    }

    /// The files of an earlier life, or new ones.
    func reopenOutput(feed: RunFeed) throws(StepError) -> OutputReader {
        guard let file = try? OpenFile.open(output, O_RDWR | O_APPEND | O_NOFOLLOW),
            let mark = try? OpenFile.open(mark, O_RDWR | O_NOFOLLOW)
        else { return try makeOutput(feed: feed) }
        return OutputReader(file, feed: feed, mark: OutputMark(mark))
    }

    func removeOutput() {
        left.discard(output)
        unlink(mark)
    }

    private static func make(_ path: String, _ flags: Int32) throws(StepError) -> OpenFile {
        unlink(path)
        do throws(SystemError) {
            return try OpenFile.open(path, flags | O_CREAT | O_EXCL | O_NOFOLLOW, mode: 0o600)
        } catch let error {
            throw error.step
        }
    }

    /// Of jobs that are not open here any more: those of a store that is gone, or that was cut off while it ended.
    static func removeAll(in state: StateFolder, except open: () -> [String]) {
        let found = StateFolder.names(in: state.runsPath)
        let kept = Set(open().map(stem))
        for name in found where !kept.contains(String(name.prefix { $0 != "." })) {
            state.left.discard(state.runsPath + "/" + name)
        }
    }
}

/// What the monitor of a program said of its end.
enum ProgramEnd: Sendable, Hashable {
    case ended(ProcessExit)
    /// Its agent was gone before it gave leave to begin.
    case neverBegun

    /// nil if it said nothing: it still runs, or it was killed, or the machine was.
    static func read(_ path: String) -> ProgramEnd? {
        guard let text = readSmallText(path), text.last == "\n" else { return nil }
        let word = text.dropLast()
        if word == "-" { return .neverBegun }
        return Int32(word).map { .ended(ProcessExit(waitStatus: $0)) }
    }
}
