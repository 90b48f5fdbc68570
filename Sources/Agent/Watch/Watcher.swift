// The agent's ear: one thread with epoll over inotify, the pidfds of services, and an eventfd by which it is spoken to.
// What it hears it posts as batches to a stream; it observes nothing itself.
//
// Guarantees: after `watch(tree)` has taken effect, every later change at a managed path is posted within the coalescing
// time, or an `overflow` is; the end of a watched process is posted once, at once.
// Caveat: inotify says nothing of writes through a memory map or on another machine's end of a network file system; the
// sweep each minute sees them.

internal import CLinux
internal import Glibc
internal import Model
internal import Synchronization

package enum WatchEvent: Sendable, Hashable {
    /// Something happened at these managed paths.
    case changed(Set<String>)
    /// The kernel dropped events: anything may have changed.
    case overflow
    /// This service's process has ended.
    case ended(ServiceKey)
}

package final class Watcher: Sendable {
    private struct State {
        var tree: WatchTree?
        var processes: [Int: (handle: ProcessHandle, key: ServiceKey)] = [:]
        var nextTag = Watcher.firstProcessTag
        var closed = false
    }

    /// How long events are gathered before they are posted.
    static let coalescing: Duration = .milliseconds(5)
    /// How many batches may wait; a consumer that is further behind looks at everything.
    static let mostBatches = 4096
    private static let inotifyTag: UInt64 = 0
    private static let wakeTag: UInt64 = 1
    private static let firstProcessTag = 2

    package let events: AsyncStream<WatchEvent>
    private let continuation: AsyncStream<WatchEvent>.Continuation
    private let state = Mutex(State())
    private let dropped = Atomic(false)
    private let poll: Int32
    private let wake: Int32
    private let inotify: InotifySet

    /// Starts the thread.
    package init(root: RootFolder) throws(SystemError) {
        (events, continuation) = AsyncStream.makeStream(bufferingPolicy: .bufferingOldest(Self.mostBatches))
        poll = epoll_create1(Int32(EPOLL_CLOEXEC))
        guard poll >= 0 else { throw SystemError(code: errno, "cannot make an epoll") }
        wake = eventfd(0, Int32(EFD_CLOEXEC | EFD_NONBLOCK))
        guard wake >= 0 else { throw SystemError(code: errno, "cannot make an eventfd") }
        inotify = try InotifySet(root: root)
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

    /// Watches these paths instead of those before; all of them are posted as changed once the watches stand, so that
    /// nothing can have slipped in between.
    package func watch(_ tree: WatchTree) {
        state.withLock { $0.tree = tree }
        ring()
    }

    /// Posts `ended(key)` when the process ends.
    package func watch(_ handle: ProcessHandle, _ key: ServiceKey) {
        let tag = state.withLock { state in
            state.nextTag += 1
            state.processes[state.nextTag] = (handle, key)
            return state.nextTag
        }
        // One shot: a process ends once, and its pidfd stays readable after that.
        Self.add(handle.number, to: poll, tag: UInt64(tag), flags: EPOLLONESHOT.rawValue)
    }

    /// Whether events had to be dropped since this was asked last: then anything may have changed.
    package func takeDropped() -> Bool { dropped.exchange(false, ordering: .acquiringAndReleasing) }

    /// Posts `ended(key)` once more, for an end that was found by looking.
    package func remind(_ key: ServiceKey) { continuation.yield(.ended(key)) }

    /// Ends the stream and the thread.
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
            let timeout = batch.isEmpty ? -1 : Int32(Self.coalescing.wholeMilliseconds)
            let isQuiet = !wait(timeout: timeout, &batch)
            // Ends of processes are posted at once; changes when nothing came for a moment, or after a few of them.
            for key in batch.ended { post(.ended(key)) }
            batch.ended = []
            if isQuiet || batch.rounds >= Batch.mostRounds { flush(&batch) }
        }
        continuation.finish()
    }

    private struct Batch {
        /// A stream of events that never pauses is cut into batches of so many rounds.
        static let mostRounds = 4
        var changed: Set<String> = []
        var overflow = false
        var ended: [ServiceKey] = []
        var rounds = 0
        var isEmpty: Bool { changed.isEmpty && !overflow }
    }

    private func flush(_ batch: inout Batch) {
        if batch.overflow {
            post(.overflow)
        } else if !batch.changed.isEmpty {
            post(.changed(batch.changed))
        }
        batch = Batch()
    }

    private func post(_ event: WatchEvent) {
        if case .dropped = continuation.yield(event) {
            // The consumer is far behind. What is dropped is found by the sweep, which looks at everything.
            dropped.store(true, ordering: .releasing)
        }
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
            default: takeProcess(Int(event.data.u64), &batch)
            }
        }
        batch.rounds += 1
        return true
    }

    private func takeTree(_ batch: inout Batch) {
        var value: UInt64 = 0
        _ = read(wake, &value, 8)
        let tree = state.withLock { state in
            defer { state.tree = nil }
            return state.tree
        }
        guard let tree else { return }
        inotify.watch(tree)
        batch.changed.formUnion(tree.paths)
    }

    private func takeInotify(_ batch: inout Batch) {
        let (changed, overflow) = inotify.take()
        batch.changed.formUnion(changed)
        batch.overflow = batch.overflow || overflow
    }

    private func takeProcess(_ tag: Int, _ batch: inout Batch) {
        guard let (handle, key) = state.withLock({ $0.processes.removeValue(forKey: tag) }) else { return }
        epoll_ctl(poll, EPOLL_CTL_DEL, handle.number, nil)
        batch.ended.append(key)
    }
}
