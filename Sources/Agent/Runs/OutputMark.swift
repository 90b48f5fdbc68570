// How far the store has a run's output, written down for the agent's next life. Not synced: only an agent that is killed is
// to find it, and where the machine goes down the program that wrote the output is gone as well.

internal import Glibc

/// Used on one thread.
final class OutputMark {
    private let file: OpenFile
    private(set) var position: Int64

    /// What an earlier life wrote there, or 0.
    init(_ file: consuming OpenFile) {
        var value: Int64 = 0
        let count = pread(file.number, &value, MemoryLayout<Int64>.size, 0)
        position = count == MemoryLayout<Int64>.size ? max(0, value) : 0
        self.file = file
    }

    /// What cannot be written is sent once more by the next life.
    func move(to position: Int64) {
        guard position != self.position else { return }
        self.position = position
        var value = position
        _ = pwrite(file.number, &value, MemoryLayout<Int64>.size, 0)
    }
}
