// Which process is which: a pid alone is reused, a pid with its start time and the boot it was started in is not.

internal import CLinux
internal import Glibc
internal import Synchronization

package struct ProcessIdentity: Sendable, Hashable {
    package var pid: Int32
    /// Clock ticks from boot to its start, as in /proc/<pid>/stat.
    package var startTime: UInt64
    /// The kernel's random id of this boot.
    package var boot: String

    package init(pid: Int32, startTime: UInt64, boot: String) {
        self.pid = pid
        self.startTime = startTime
        self.boot = boot
    }
}

package enum ProcessTable {
    private static let bootID = Mutex<String?>(nil)

    package static var boot: String {
        bootID.withLock { known in
            if let known { return known }
            let text = readSmallText("/proc/sys/kernel/random/boot_id") ?? ""
            let id = String(text.prefix { !$0.isNewline })
            known = id
            return id
        }
    }

    /// One line of /proc/<pid>/stat.
    struct Entry {
        var pid: Int32
        var state: Character
        var parent: Int32
        var session: Int32
        var startTime: UInt64

        var isZombie: Bool { state == "Z" || state == "X" }
    }

    static func entry(_ pid: Int32) -> Entry? {
        guard let text = readSmallText("/proc/\(pid)/stat") else { return nil }
        return parse(text, pid: pid)
    }

    /// The name is in parentheses and may hold anything, so fields are counted from the last `)`.
    static func parse(_ text: String, pid: Int32) -> Entry? {
        guard let end = text.lastIndex(of: ")") else { return nil }
        let fields = text[text.index(after: end)...].split(separator: " ")
        guard fields.count > 19, let state = fields[0].first, let parent = Int32(fields[1]),
            let session = Int32(fields[3]), let start = UInt64(fields[19])
        else { return nil }
        return Entry(pid: pid, state: state, parent: parent, session: session, startTime: start)
    }

    /// The identity of a process that runs now.
    package static func identity(of pid: Int32) -> ProcessIdentity? {
        entry(pid).map { ProcessIdentity(pid: pid, startTime: $0.startTime, boot: boot) }
    }

    /// Whether that very process still runs; a zombie does not.
    package static func runs(_ process: ProcessIdentity) -> Bool {
        guard process.boot == boot, let entry = entry(process.pid) else { return false }
        return entry.startTime == process.startTime && !entry.isZombie
    }

    /// All living processes of the session that this process leads or led. None once its pid has been given to another:
    /// the kernel does that only when nobody is left in the session, so whoever is in one of that number is a stranger.
    static func session(of leader: ProcessIdentity) -> [Int32] {
        guard leader.boot == boot else { return [] }
        let all = entries()
        if let holder = all[leader.pid], holder.startTime != leader.startTime { return [] }
        return all.values.filter {
            $0.session == leader.pid && $0.startTime >= leader.startTime && !$0.isZombie
        }.map(\.pid)
    }

    /// All living processes below this one, also those that have gone into sessions of their own.
    static func descendants(of leader: ProcessIdentity) -> [ProcessIdentity] {
        let all = entries()
        guard leader.boot == boot, all[leader.pid]?.startTime == leader.startTime else { return [] }
        let children = Dictionary(grouping: all.values, by: \.parent)
        var found: [ProcessIdentity] = []
        var next = [leader.pid]
        while let pid = next.popLast() {
            for child in children[pid] ?? [] where child.pid != pid {
                if !child.isZombie {
                    found.append(ProcessIdentity(pid: child.pid, startTime: child.startTime, boot: boot))
                }
                next.append(child.pid)
            }
        }
        return found
    }

    private static func entries() -> [Int32: Entry] {
        guard let folder = opendir("/proc") else { return [:] }
        defer { closedir(folder) }
        var entries: [Int32: Entry] = [:]
        while let item = readdir(folder) {
            if let pid = number(item), let entry = entry(pid) { entries[pid] = entry }
        }
        return entries
    }

    private static func number(_ item: UnsafeMutablePointer<dirent>) -> Int32? {
        withUnsafePointer(to: &item.pointee.d_name) { name in
            name.withMemoryRebound(to: CChar.self, capacity: 256) { text in
                guard text[0] >= 0x30, text[0] <= 0x39 else { return nil }
                return Int32(String(cString: text))
            }
        }
    }
}
