// One run of `opsapply lock`: takes the lock, keeps it while the command runs, gives it up.

internal import Glibc
internal import Model
internal import Output
internal import Store

struct LockRun {
    /// How often a lock that is held is asked for again.
    static let waitInterval: Duration = .milliseconds(100)
    /// How soon a renewal that failed is tried again: this part of the time to live, within these bounds.
    static let retryPart = 20
    static let retryBounds: ClosedRange<Duration> = .milliseconds(50) ... .seconds(1)

    let name: String
    let holder: String
    let ttl: Duration
    let wait: Duration
    let onceIn: Duration?
    let path: String
    let arguments: [String]
    let store: any LockStore

    /// Ends by throwing the exit code, unless it is 0.
    func run() async throws {
        let signals = try PassedSignals()
        let nonce = Self.randomNonce()
        guard let (lease, end) = try await take(nonce: nonce, signals) else { return }
        let command = GuardedCommand(
            path: path, arguments: arguments,
            environment: [
                "REDOPS_LOCK": name, "REDOPS_LOCK_EPOCH": "\(lease.epoch)", "REDOPS_LOCK_NONCE": lease.nonce,
            ],
            signals: signals, margin: ttl / 3, leaseEnd: end)
        let (outcome, why) = await keep(lease, command)
        // Where this cannot be done, the lease ends by itself.
        try? await store.releaseLock(name, lease)
        switch outcome {
        case .exited(0): return
        case .exited(let code): throw CommandFailure.silent(code)
        case .lost:
            throw CommandFailure("lost the lock \(name): \(why ?? "it was not renewed in time"); the command was ended")
        case .failed(let code):
            throw CommandFailure("\(path.printable) cannot be run: \(systemText(code))", exitCode: 126)
        }
    }

    // MARK: taking

    /// The lease and when it ends by our clock; nil where there is nothing to do.
    private func take(nonce: String, _ signals: PassedSignals) async throws -> (Lease, ContinuousClock.Instant)? {
        let lastTry = ContinuousClock.now + wait
        while true {
            let asked = ContinuousClock.now
            switch try await attempt(nonce: nonce) {
            case .acquired(let lease): return (lease, asked + ttl)
            case .begunRecently(let view):
                Console.note("not run: \(name) was begun \(Self.since(view)) by \(view.holder.printable)")
                return nil
            case .held(let view):
                guard ContinuousClock.now < lastTry else {
                    throw CommandFailure(
                        "the lock \(name) is held by \(view.holder.printable), begun \(Self.since(view))",
                        exitCode: CommandFailure.timedOut)
                }
            }
            try await Task.sleep(for: Self.waitInterval)
            if let number = signals.taken().first(where: { $0 != SIGCHLD }) {
                throw CommandFailure.silent(128 + number)
            }
        }
    }

    /// An answer that was lost is asked for again under the same nonce: it is the same lease then.
    private func attempt(nonce: String) async throws(StoreError) -> LockAttempt {
        do {
            return try await acquire(nonce)
        } catch .indeterminate {
            return try await acquire(nonce)
        }
    }

    private func acquire(_ nonce: String) async throws(StoreError) -> LockAttempt {
        try await store.acquireLock(name, holder: holder, nonce: nonce, ttl: ttl, unlessBegunWithin: onceIn)
    }

    private static func since(_ view: LockView) -> String {
        guard let begun = view.lastBegunAt else { return "at an unknown time" }
        return "\((view.now - begun).age) ago (\(begun.rfc3339))"
    }

    // MARK: keeping

    /// How the command ended, and why the lease was lost if it was.
    private func keep(_ lease: Lease, _ command: GuardedCommand) async -> (GuardedCommand.End, String?) {
        await withTaskGroup(of: String?.self) { group in
            group.addTask { await renew(lease, command) }
            let outcome = await command.run()
            group.cancelAll()
            let why = await group.next() ?? nil
            return (outcome, why)
        }
    }

    /// Renews each third of the time to live until that is cancelled or refused; answers what went wrong last.
    private func renew(_ lease: Lease, _ command: GuardedCommand) async -> String? {
        let retry = min(max(ttl / Self.retryPart, Self.retryBounds.lowerBound), Self.retryBounds.upperBound)
        var pause = ttl / 3
        var why: String?
        while true {
            do { try await Task.sleep(for: pause) } catch { return why }
            let asked = ContinuousClock.now
            do throws(StoreError) {
                try await store.renewLock(name, lease, ttl: ttl)
                command.extend(until: asked + ttl)
                (pause, why) = (ttl / 3, nil)
            } catch .fenced(let epoch) {
                command.lose()
                return epoch > lease.epoch
                    ? "somebody else has it, under epoch \(epoch)" : "it is not in Redis any more"
            } catch {
                (pause, why) = (retry, "it could not be renewed (\("\(error)".printable))")
            }
        }
    }

    private static func randomNonce() -> String {
        (0..<2).map { _ in
            let text = String(UInt64.random(in: .min ... .max), radix: 16)
            return String(repeating: "0", count: 16 - text.count) + text
        }.joined()
    }
}
