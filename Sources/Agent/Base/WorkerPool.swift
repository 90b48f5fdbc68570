// Threads for what blocks: processes, disks, sockets. The pool of Swift concurrency has as many threads as the machine
// has cores, so nothing in this agent may wait on one of them.
//
// Guarantees: never more than `maximum` threads, started when they are first needed and kept; work begins in the order in
// which it came. Assumption: callers bound what they hand in (one sweep, one probe for each check, four jobs).

internal import CLinux
internal import Glibc
internal import Synchronization

package final class WorkerPool: Sendable {
    private struct State {
        var work: [@Sendable () -> Void] = []
        var threads = 0
        var idle = 0
    }

    package let name: String
    package let maximum: Int
    private let state = Mutex(State())
    private let ready = Semaphore()

    package init(name: String, maximum: Int) {
        self.name = name
        self.maximum = maximum
    }

    /// How many threads were started.
    package var threads: Int { state.withLock { $0.threads } }

    /// Runs the body on one of the threads.
    package func run<Value: Sendable, Failure: Error>(
        _ body: @escaping @Sendable () throws(Failure) -> Value
    ) async throws(Failure) -> Value {
        let result: Result<Value, Failure> = await withCheckedContinuation { continuation in
            submit {
                do throws(Failure) {
                    continuation.resume(returning: .success(try body()))
                } catch {
                    continuation.resume(returning: .failure(error))
                }
            }
        }
        return try result.get()
    }

    /// Like `run`, but returns nil at once when the task is cancelled; the body then ends unheard.
    package func runUnlessCancelled<Value: Sendable>(_ body: @escaping @Sendable () -> Value) async -> Value? {
        let answer = FirstAnswer<Value?>()
        return await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                answer.wait(continuation)
                submit { answer.give(body()) }
            }
        } onCancel: {
            answer.give(nil)
        }
    }

    package func submit(_ work: @escaping @Sendable () -> Void) {
        let startThread = state.withLock { state in
            state.work.append(work)
            guard state.work.count > state.idle, state.threads < maximum else { return false }
            state.threads += 1
            return true
        }
        if startThread { startDetachedThread(name: name) { self.work() } }
        ready.post()
    }

    private func work() {
        while true {
            state.withLock { $0.idle += 1 }
            ready.wait()
            let next = state.withLock { state in
                state.idle -= 1
                return state.work.isEmpty ? nil : state.work.removeFirst()
            }
            next?()
        }
    }
}

/// Hands the first of several answers to one who waits, whichever of the two comes first.
private final class FirstAnswer<Value: Sendable>: Sendable {
    private enum State {
        case open
        case waiting(CheckedContinuation<Value, Never>)
        case answered(Value)
        case over
    }

    private let state = Mutex(State.open)

    func wait(_ continuation: CheckedContinuation<Value, Never>) {
        let answer = state.withLock { state -> Value? in
            if case .answered(let value) = state {
                state = .over
                return value
            }
            state = .waiting(continuation)
            return nil
        }
        if let answer { continuation.resume(returning: answer) }
    }

    func give(_ value: Value) {
        let waiter = state.withLock { state -> CheckedContinuation<Value, Never>? in
            switch state {
            case .open:
                state = .answered(value)
                return nil
            case .waiting(let continuation):
                state = .over
                return continuation
            case .answered, .over: return nil
            }
        }
        waiter?.resume(returning: value)
    }
}

/// A counting semaphore. Unchecked: POSIX semaphores may be used from any thread, and the pointer never changes.
package final class Semaphore: @unchecked Sendable {
    private let semaphore = UnsafeMutablePointer<sem_t>.allocate(capacity: 1)

    package init() { sem_init(semaphore, 0, 0) }

    deinit {
        sem_destroy(semaphore)
        semaphore.deallocate()
    }

    package func post() { sem_post(semaphore) }
    package func wait() { while sem_wait(semaphore) != 0 {} }
}

private final class ThreadBody {
    let body: @Sendable () -> Void
    init(_ body: @escaping @Sendable () -> Void) { self.body = body }
}

/// Starts a thread that nobody joins. Its stack is small: what runs here does not recurse.
package func startDetachedThread(name: String, _ body: @escaping @Sendable () -> Void) {
    var attributes = pthread_attr_t()
    pthread_attr_init(&attributes)
    defer { pthread_attr_destroy(&attributes) }
    pthread_attr_setdetachstate(&attributes, Int32(PTHREAD_CREATE_DETACHED))
    pthread_attr_setstacksize(&attributes, 512 << 10)
    var thread = pthread_t()
    let named: @Sendable () -> Void = {
        redops_name_thread(String(name.prefix(15)))
        body()
    }
    let own = Unmanaged.passRetained(ThreadBody(named)).toOpaque()
    let code = pthread_create(
        &thread, &attributes,
        { context in
            guard let context else { return nil }
            Unmanaged<ThreadBody>.fromOpaque(context).takeRetainedValue().body()
            return nil
        }, own)
    precondition(code == 0, "no thread for \(name): \(SystemError.text(of: code))")
}
