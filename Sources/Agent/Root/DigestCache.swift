// Digests of files that did not change since they were read. A file is taken as unchanged when device, inode, size and
// both of its times are the same, and when it had already been still for a while at the moment it was read: times have
// the grain of a clock tick, so a second write within the tick of the first would leave no trace in them (the rule of
// git's index for "racily clean" entries).
//
// Caveat: who can set the clock or write to the raw device can hide a change from this; `forgetAll`, called by the slow
// full pass, bounds for how long.

internal import CLinux
internal import Glibc
internal import Synchronization

package final class DigestCache: Sendable {
    private struct Entry {
        var device: UInt64
        var inode: UInt64
        var size: Int64
        var modified: Int64
        var changed: Int64
        var digest: String
    }

    /// How long a file must have been still before it was read.
    static let stillness: Int64 = 50_000_000

    private let entries = Mutex<[String: Entry]>([:])

    package init() {}

    func digest(of path: String, _ status: stat) -> String? {
        entries.withLock { entries in
            guard let entry = entries[path], entry.inode == status.st_ino, entry.device == status.st_dev,
                entry.size == Int64(status.st_size), entry.modified == Self.nanoseconds(status.st_mtim),
                entry.changed == Self.nanoseconds(status.st_ctim)
            else { return nil }
            return entry.digest
        }
    }

    func remember(_ digest: String, of path: String, _ status: stat, hashedAt: Int64) {
        let modified = Self.nanoseconds(status.st_mtim)
        let changed = Self.nanoseconds(status.st_ctim)
        guard max(modified, changed) + Self.stillness < hashedAt else { return forget(path) }
        let entry = Entry(
            device: UInt64(status.st_dev), inode: UInt64(status.st_ino), size: Int64(status.st_size),
            modified: modified, changed: changed, digest: digest)
        entries.withLock { $0[path] = entry }
    }

    func forget(_ path: String) {
        entries.withLock { _ = $0.removeValue(forKey: path) }
    }

    /// Everything is read again.
    package func forgetAll() {
        entries.withLock { $0 = [:] }
    }

    static func now() -> Int64 {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return nanoseconds(time)
    }

    private static func nanoseconds(_ time: timespec) -> Int64 {
        Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
    }
}
