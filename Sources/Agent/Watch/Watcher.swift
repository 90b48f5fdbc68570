// The agent's ear: one thread with epoll over inotify, the pidfds of services, and an eventfd by which it is spoken to.
// What it hears it keeps until it is taken, and says that there is something by a hint; it observes nothing itself.
//
// Guarantees: after `watch(tree)` has taken effect, every later change at a managed path can be taken within the coalescing
// time, or an `overflow` can; the end of a watched process at once, however many changes wait. What waits is a set: it
// does not grow with the number of events.
// Caveat: inotify says nothing of writes through a memory map or on another machine's end of a network file system; the
// sweep each minute sees them.

internal import CLinux
internal import Glibc
package import Logging
internal import Model
internal import Synchronization

/// What happened since it was taken last.
package struct WatchedChanges: Sendable, Hashable {
    /// Something happened at these managed paths.
    package var paths: Set<String> = []
    /// The kernel dropped events: anything may have changed.
    package var overflow = false

    package init(paths: Set<String> = [], overflow: Bool = false) {
        self.paths = paths
        self.overflow = overflow
    }

    var isEmpty: Bool { paths.isEmpty && !overflow }

    mutating func take(_ more: WatchedChanges) {
        paths.formUnion(more.paths)
        overflow = overflow || more.overflow
    }
}

package final class Watcher: Sendable {
    private struct State {
        var tree: WatchTree?
        var processes: [Int: (handle: ProcessHandle, key: ServiceKey)] = [:]
        var nextTag = Watcher.firstProcessTag
        var isToRenew = false
        var changes = WatchedChanges()
        /// Services whose process has ended.
        var ended: Set<ServiceKey> = []
        var closed = false
    }

    /// How long events are gathered before they are told of.
    static let coalescing: Duration = .milliseconds(5)
    private static let inotifyTag: UInt64 = 0
    private static let wakeTag: UInt64 = 1
    private static let firstProcessTag = 2

    /// Each a hint that there is something to take; any number of hints are one.
    package let changes: AsyncStream<Void>
    package let ends: AsyncStream<Void>
    private let changed: AsyncStream<Void>.Continuation
    private let ended: AsyncStream<Void>.Continuation
    private let state = Mutex(State())
    private let poll: Int32
    private let wake: Int32
    private let inotify: InotifySet

    /// Starts the thread.
    package init(root: RootFolder, log: Logger) throws(SystemError) {
        (changes, changed) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
        (ends, ended) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
        poll = epoll_create1(Int32(EPOLL_CLOEXEC))
        guard poll >= 0 else { throw SystemError(code: errno, "cannot make an epoll") }
        wake = eventfd(0, Int32(EFD_CLOEXEC | EFD_NONBLOCK))
        guard wake >= 0 else { throw SystemError(code: errno, "cannot make an eventfd") }
        inotify = try InotifySet(root: root, log: log)
        Self.add(wake, to: poll, tag: Self.wakeTag)
        Self.add(inotify.number, to: poll, tag: Self.inotifyTag)
        startDetachedThread(name: "watch") { self.run() }
    }

    private static func add(_ number: Int32, to poll: Int32, tag: UInt64, flags: UInt32 = 0) {
        var event = epoll_event()
        event.events = EPOLLIN.rawValue | flags
        event.data.u64 = tag
        epoll_ctl(poll, EPOLL_CTL_ADD, number, &event)
    }

    /// Watches these paths instead of those before; all of them are changed once the watches stand, so that nothing can have
    /// slipped in between.
    package func watch(_ tree: WatchTree) {
        state.withLock { $0.tree = tree }
        ring()
    }

    /// Watches the same paths again, where they are another folder now or could not be watched.
    package func renew() {
        state.withLock { $0.isToRenew = true }
        ring()
    }

    package func takeChanges() -> WatchedChanges {
        state.withLock { state in
            defer { state.changes = WatchedChanges() }
            return state.changes
        }
    }

    /// Services whose process has ended.
    package func takeEnded() -> Set<ServiceKey> {
        state.withLock { state in
            defer { state.ended = [] }
            return state.ended
        }
    }

    /// The service is among the ended when the process ends.
    package func watch(_ handle: ProcessHandle, _ key: ServiceKey) {
        let tag = state.withLock { state in
            state.nextTag += 1
            state.processes[state.nextTag] = (handle, key)
            return state.nextTag
        }
        // One shot: a process ends once, and its pidfd stays readable after that.
        Self.add(handle.number, to: poll, tag: UInt64(tag), flags: EPOLLONESHOT.rawValue)
    }

    /// An end that was found by looking.
    package func remind(_ key: ServiceKey) {
        state.withLock { _ = $0.ended.insert(key) }
        ended.yield()
    }

    /// Ends the streams and the thread.
    package func close() {
        state.withLock { $0.closed = true }
        ring()
    }

    private func ring() {
        var one: UInt64 = 1
        _ = write(wake, &one, 8)
    }

    // MARK: the thread

    private func run() {
        var batch = Batch()
        while !state.withLock({ $0.closed }) {
            let timeout = batch.changes.isEmpty ? -1 : Int32(Self.coalescing.wholeMilliseconds)
            let isQuiet = !wait(timeout: timeout, &batch)
            // Changes are told of when nothing came for a moment, or after a few of them.
            if isQuiet || batch.rounds >= Batch.mostRounds { flush(&batch) }
        }
        changed.finish()
        ended.finish()
    }

    private struct Batch {
        /// A stream of events that never pauses is cut into batches of so many rounds.
        static let mostRounds = 4
        var changes = WatchedChanges()
        var rounds = 0
    }

    private func flush(_ batch: inout Batch) {
        if !batch.changes.isEmpty {
            state.withLock { $0.changes.take(batch.changes) }
            changed.yield()
        }
        batch = Batch()
    }

    /// Whether anything came.
    private func wait(timeout: Int32, _ batch: inout Batch) -> Bool {
        var ready = [epoll_event](repeating: epoll_event(), count: 16)
        let count = epoll_wait(poll, &ready, Int32(ready.count), timeout)
        guard count > 0 else { return false }
        for event in ready[..<Int(count)] {
            switch event.data.u64 {
            case Self.wakeTag: takeTree(&batch)
            case Self.inotifyTag: takeInotify(&batch)
            default: takeProcess(Int(event.data.u64))
            }
        }
        batch.rounds += 1
        return true
    }

    private func takeTree(_ batch: inout Batch) {
        var value: UInt64 = 0
        _ = read(wake, &value, 8)
        let (tree, isToRenew) = state.withLock { state in
            defer { (state.tree, state.isToRenew) = (nil, false) }
            return (state.tree, state.isToRenew)
        }
        if let tree {
            inotify.watch(tree)
            batch.changes.paths.formUnion(tree.paths)
        }
        if isToRenew { batch.changes.paths.formUnion(inotify.renew()) }
    }

    private func takeInotify(_ batch: inout Batch) {
        let (paths, overflow) = inotify.take()
        batch.changes.take(WatchedChanges(paths: paths, overflow: overflow))
    }

    private func takeProcess(_ tag: Int) {
        guard let (handle, key) = state.withLock({ $0.processes.removeValue(forKey: tag) }) else { return }
        epoll_ctl(poll, EPOLL_CTL_DEL, handle.number, nil)
        remind(key)
    }
}
