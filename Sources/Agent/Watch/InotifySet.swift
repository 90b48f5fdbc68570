// The inotify watches that a `WatchTree` asks for. Used by the watcher's thread alone.
//
// Folders are opened confined to the root folder first and watched through /proc/self/fd: a link cannot lead a watch out.
// When a folder on the way comes, goes or moves, the watches below it are made anew, and all paths below are reported.

internal import CLinux
internal import Glibc
internal import Logging
internal import Synchronization

final class InotifySet: Sendable {
    private struct State {
        var tree = WatchTree()
        /// One watch can stand for several paths: a folder and a link to it.
        var paths: [Int32: Set<String>] = [:]
        var watches: [String: Int32] = [:]
        /// That something cannot be watched is said once, not at every try.
        var isToldOfFailure = false
    }

    private static let names =
        UInt32(IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO | IN_DELETE_SELF | IN_MOVE_SELF | IN_ATTRIB)
    private static let contents = UInt32(IN_MODIFY | IN_CLOSE_WRITE)
    private static let bufferSize = 64 << 10

    let number: Int32
    private let root: RootFolder
    private let log: Logger
    private let state = Mutex(State())

    init(root: RootFolder, log: Logger) throws(SystemError) {
        self.root = root
        self.log = log
        number = inotify_init1(Int32(IN_CLOEXEC | IN_NONBLOCK))
        guard number >= 0 else { throw SystemError(code: errno, "cannot make an inotify") }
    }

    deinit { close(number) }

    func watch(_ tree: WatchTree) {
        state.withLock { state in
            for path in state.watches.keys where tree.folders[path] == nil { unwatch(path, &state) }
            state.tree = tree
            for path in tree.folders.keys { add(path, &state) }
        }
    }

    /// Watches again what should be watched: a folder over which another file system was mounted tells nothing more, and one
    /// that could not be watched before may be now. Returns the managed paths that were watched wrongly or not at all.
    func renew() -> Set<String> {
        state.withLock { state in
            state.tree.folders.keys.filter { add($0, &state) }
                .reduce(into: []) { $0.formUnion(state.tree.below($1)) }
        }
    }

    /// Whether another folder is watched now than before, or one at last.
    @discardableResult
    private func add(_ path: String, _ state: inout State) -> Bool {
        guard let folder = state.tree.folders[path] else { return false }
        let before = state.watches[path]
        do throws(SystemError) {
            let watch = try watch(path, folder)
            guard watch != before else { return false }
            unwatch(path, &state)
            state.watches[path] = watch
            state.paths[watch, default: []].insert(path)
            return true
        } catch {
            // What is not there is watched from above.
            if ![ENOENT, ENOTDIR, ELOOP].contains(error.code) { noteFailure(error, &state) }
            return false
        }
    }

    private func noteFailure(_ error: SystemError, _ state: inout State) {
        guard !state.isToldOfFailure else { return }
        state.isToldOfFailure = true
        log.warning(
            "a folder cannot be watched; changes in it are seen by the sweep each minute only",
            metadata: ["reason": "\(error)", "hint": "see fs.inotify.max_user_watches and the limit of open files"])
    }

    private func watch(_ path: String, _ folder: WatchTree.Folder) throws(SystemError) -> Int32 {
        let file = try root.open(path, redops_o_path | O_DIRECTORY)
        let mask = Self.names | (folder.holdsFiles ? Self.contents : 0) | UInt32(IN_ONLYDIR) | UInt32(IN_MASK_ADD)
        let watch = inotify_add_watch(number, "/proc/self/fd/\(file.number)", mask)
        guard watch >= 0 else { throw SystemError(code: errno, "cannot watch \(root.hostPath(path))") }
        return watch
    }

    private func unwatch(_ path: String, _ state: inout State) {
        guard let watch = state.watches.removeValue(forKey: path) else { return }
        state.paths[watch]?.remove(path)
        guard state.paths[watch]?.isEmpty ?? true else { return }
        state.paths[watch] = nil
        inotify_rm_watch(number, watch)
    }

    /// Makes the watches of a folder and of all below it anew.
    private func renew(_ path: String, _ state: inout State) {
        let start = path == "/" ? "/" : path + "/"
        let folders = state.tree.folders.keys.filter { $0 == path || $0.hasPrefix(start) }.sorted()
        for folder in folders { unwatch(folder, &state) }
        for folder in folders { add(folder, &state) }
    }

    /// All events that wait: the managed paths concerned, and whether events were lost.
    func take() -> (changed: Set<String>, overflow: Bool) {
        var buffer = [UInt8](repeating: 0, count: Self.bufferSize)
        var changed: Set<String> = []
        var overflow = false
        while true {
            let count = read(number, &buffer, buffer.count)
            guard count > 0 else { break }
            state.withLock { state in
                for event in Self.events(buffer[..<count]) {
                    if event.mask & UInt32(IN_Q_OVERFLOW) != 0 {
                        overflow = true
                        renew("/", &state)
                    } else {
                        changed.formUnion(handle(event, &state))
                    }
                }
            }
        }
        return (changed, overflow)
    }

    private func handle(_ event: Event, _ state: inout State) -> Set<String> {
        guard let folders = state.paths[event.watch] else { return [] }
        if event.mask & UInt32(IN_IGNORED) != 0 {
            for folder in folders { state.watches[folder] = nil }
            state.paths[event.watch] = nil
            return []
        }
        var changed: Set<String> = []
        for folder in folders {
            if event.name.isEmpty {
                changed.formUnion(state.tree.paths.contains(folder) ? [folder] : [])
                continue
            }
            changed.formUnion(state.tree.concerned(folder: folder, name: event.name))
            let path = folder == "/" ? "/\(event.name)" : "\(folder)/\(event.name)"
            let moves = UInt32(IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO)
            if event.mask & moves != 0, state.tree.folders[path] != nil { renew(path, &state) }
        }
        return changed
    }

    private struct Event {
        var watch: Int32
        var mask: UInt32
        var name: String
    }

    private static func events(_ bytes: ArraySlice<UInt8>) -> [Event] {
        var events: [Event] = []
        let header = MemoryLayout<inotify_event>.size
        bytes.withUnsafeBytes { buffer in
            var position = 0
            while position + header <= buffer.count {
                let event = buffer.loadUnaligned(fromByteOffset: position, as: inotify_event.self)
                let end = min(position + header + Int(event.len), buffer.count)
                let name = buffer[(position + header)..<end].prefix { $0 != 0 }
                events.append(
                    Event(watch: event.wd, mask: event.mask, name: String(decoding: name, as: UTF8.self)))
                position = end
            }
        }
        return events
    }
}
