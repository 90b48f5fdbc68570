// Waiting for a process, child of ours or not, and ending one with all that it started: TERM, a while, KILL.

internal import CLinux
internal import Glibc
internal import Model

/// How a process ended.
package enum ProcessExit: Sendable, Hashable {
    case exited(Int)
    case killed(Int)
    /// It was not our child, and the kernel does not tell.
    case unknown

    init(waitStatus: Int32) {
        let signal = waitStatus & 0x7F
        self = signal == 0 ? .exited(Int(waitStatus >> 8) & 0xFF) : .killed(Int(signal))
    }

    /// As an observed value of a service.
    var value: String {
        switch self {
        case .exited(let code): FieldValue.exited(code)
        case .killed(let signal): FieldValue.killed(signal: signal)
        case .unknown: FieldValue.stopped
        }
    }

    /// For people.
    var text: String {
        switch self {
        case .exited(let code): "exited \(code)"
        case .killed(let signal): "was killed by signal \(signal)"
        case .unknown: "ended"
        }
    }
}

/// A handle on one process that stays right when its pid is used again.
package final class ProcessHandle: Sendable {
    package let identity: ProcessIdentity
    /// Readable when the process has ended.
    let number: Int32

    /// nil if that very process is not there any more.
    package init?(_ identity: ProcessIdentity) {
        let number = redops_pidfd_open(identity.pid)
        guard number >= 0 else { return nil }
        self.identity = identity
        self.number = number
        // Between the look and the open the pid may have been given to another: so look again.
        guard identity.boot == ProcessTable.boot,
            ProcessTable.entry(identity.pid)?.startTime == identity.startTime
        else { return nil }
    }

    deinit { close(number) }

    /// How often it is asked how a process ended that is not our child, a millisecond apart: the kernel tells when its
    /// parent has collected it.
    private static let mostAsked = 5

    /// How it ended; nil while it runs. Collects a child of ours.
    package func exit() -> ProcessExit? {
        var result = redops_exit()
        for _ in 0..<Self.mostAsked {
            guard redops_pidfd_exit(number, &result) == 0, result.ended != 0 else { return nil }
            if result.ended == 1 { return ProcessExit(waitStatus: result.status) }
            usleep(1000)
        }
        return .unknown
    }

    /// Waits until it has ended or the time has come; whether it has ended.
    func waitForEnd(until deadline: ContinuousClock.Instant) -> Bool {
        while true {
            let left = deadline - .now
            var entry = pollfd(fd: number, events: Int16(POLLIN), revents: 0)
            let ready = poll(&entry, 1, Int32(clamping: max(0, left.wholeMilliseconds)))
            if ready > 0 { return true }
            if ready == 0, left <= .zero { return false }
            if ready < 0, errno != EINTR { return false }
        }
    }

    func signal(_ number: Int32) { _ = redops_pidfd_send_signal(self.number, number) }

    /// The whole group; its number cannot mean another group as long as a member of it lives.
    func signalGroup(_ number: Int32) {
        // A process that is gone and collected has left its number to others; its session is looked at by start times.
        guard ProcessTable.entry(identity.pid)?.startTime == identity.startTime else { return }
        kill(-identity.pid, number)
    }
}

package enum ProcessStop {
    /// How long what is left of a session may take to end after TERM, once its leader has ended.
    static let leftoverPatience: Duration = .milliseconds(200)
    private static let killPatience: Duration = .seconds(5)
    private static let look: Duration = .milliseconds(2)
    private static let lookWhileStopping: Duration = .milliseconds(20)

    /// Ends a process, its group, its session, and its children in sessions of their own: TERM, `patience`, KILL. Whether
    /// it has ended.
    /// Caveat: a grandchild that left the session and lost its parent before is nobody's that can be told.
    /// `look` is called now and then while it is waited for.
    static func stop(_ handle: ProcessHandle, patience: Duration, look: () -> Void = {}) -> Bool {
        let strays = ProcessTable.descendants(of: handle.identity)
        handle.signalGroup(SIGTERM)
        handle.signal(SIGTERM)
        handle.signalGroup(SIGCONT)
        let deadline = ContinuousClock.now + patience
        var ended = handle.waitForEnd(until: min(deadline, .now + lookWhileStopping))
        while !ended, ContinuousClock.now < deadline {
            look()
            ended = handle.waitForEnd(until: min(deadline, .now + lookWhileStopping))
        }
        if !ended {
            handle.signalGroup(SIGKILL)
            handle.signal(SIGKILL)
            ended = handle.waitForEnd(until: .now + killPatience)
        }
        endSession(of: handle.identity)
        end(strays)
        return ended
    }

    /// Ends what is left of these very processes.
    private static func end(_ processes: [ProcessIdentity]) {
        let handles = processes.compactMap { ProcessTable.runs($0) ? ProcessHandle($0) : nil }
        for handle in handles { handle.signal(SIGTERM) }
        let deadline = ContinuousClock.now + leftoverPatience
        for handle in handles where !handle.waitForEnd(until: deadline) { handle.signal(SIGKILL) }
    }

    /// Ends what a leader that is gone left behind: nginx's workers outlive a killed master and keep its port.
    static func endSession(of leader: ProcessIdentity) {
        guard !signalAll(ProcessTable.session(of: leader), SIGTERM).isEmpty else { return }
        let deadline = ContinuousClock.now + leftoverPatience
        while ContinuousClock.now < deadline {
            if ProcessTable.session(of: leader).isEmpty { return }
            pause(look)
        }
        // What forked meanwhile is found in the next round; the bound is for a process that cannot die.
        for _ in 0..<50 {
            guard !signalAll(ProcessTable.session(of: leader), SIGKILL).isEmpty else { return }
            pause(look)
        }
    }

    private static func signalAll(_ pids: [Int32], _ number: Int32) -> [Int32] {
        for pid in pids { kill(pid, number) }
        return pids
    }

    private static func pause(_ time: Duration) { usleep(UInt32(time.wholeMilliseconds) * 1000) }
}
