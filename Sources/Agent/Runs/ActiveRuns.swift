// The attempts that this agent holds. One job is one attempt, even where its queue has given it out again because its
// lease could not be extended: the newer token is then the one under which its end is told.

internal import Model
internal import Store
internal import Synchronization

final class ActiveRuns: Sendable {
    private struct Held {
        var claim: RunClaim
        let run: ActiveRun
        /// It waits for its turn among the jobs with packages, and takes nobody's place meanwhile.
        var isWaiting: Bool
    }

    private let held = Mutex<[String: Held]>([:])

    /// How many more may be claimed. Those that wait count twice at most: what is held has a bound.
    func room(among most: Int) -> Int {
        held.withLock { held in max(0, min(most - held.values.count { !$0.isWaiting }, 2 * most - held.count)) }
    }

    /// A new attempt; nil if the job is held already, now under the claim's token.
    func begin(_ claim: RunClaim, deadline: ContinuousClock.Instant?, isWaiting: Bool) -> ActiveRun? {
        held.withLock { held in
            if held[claim.ledgerKey] != nil {
                held[claim.ledgerKey]?.claim = claim
                return nil
            }
            let run = ActiveRun(claim: claim, deadline: deadline)
            held[claim.ledgerKey] = Held(claim: claim, run: run, isWaiting: isWaiting)
            return run
        }
    }

    /// Its turn has come; false if it was cancelled meanwhile.
    func stopWaiting(_ key: String) -> Bool {
        held.withLock { held in
            guard held[key] != nil else { return false }
            held[key]?.isWaiting = false
            return true
        }
    }

    /// The claim as it is now, which is no longer held.
    func end(_ key: String) -> RunClaim? { held.withLock { $0.removeValue(forKey: key)?.claim } }

    func claim(_ key: String) -> RunClaim? { held.withLock { $0[key]?.claim } }

    /// Stops what runs of these. Returns those that had not begun, which are held no longer.
    func cancel(_ ids: [String], on queue: RunQueue) -> [RunClaim] {
        guard !ids.isEmpty else { return [] }
        return held.withLock { held in
            var waiting: [RunClaim] = []
            for (key, one) in held where one.claim.queue == queue && ids.contains(one.claim.job.id) {
                one.run.control.stop(.cancel)
                guard one.isWaiting else { continue }
                waiting.append(one.claim)
                held[key] = nil
            }
            return waiting
        }
    }

    /// The agent ends.
    func giveUpAll() {
        held.withLock { held in for one in held.values { one.run.control.stop(.giveUp) } }
    }

    var attempts: [RunQueue: [RunAttempt]] {
        held.withLock { held in
            var attempts: [RunQueue: [RunAttempt]] = [:]
            for one in held.values {
                attempts[one.claim.queue, default: []].append(
                    RunAttempt(id: one.claim.job.id, token: one.claim.token))
            }
            return attempts
        }
    }
}
