// The attempts that run now. One job is one attempt, even where the queue has given it out again because its lease could
// not be extended: the newer token is then the one under which the result is reported.

internal import Model
internal import Synchronization

final class Attempts: Sendable {
    struct Running {
        var claim: Claim
        let giveUp: GiveUp
        /// It waits for its turn among the jobs with packages, and takes nobody's place meanwhile.
        var isWaiting: Bool
    }

    /// How many jobs may be held, those that wait included.
    static let most = 64

    private let running = Mutex<[String: Running]>([:])
    private let lanes = Mutex<[InstanceID: AsyncLane]>([:])

    /// Jobs with packages are done one after the other, whatever their instances: a machine has one package system.
    let packageLane: AsyncLane

    init(packageLane: AsyncLane) {
        self.packageLane = packageLane
    }

    /// How many more may be claimed.
    func room(among slots: Int) -> Int {
        running.withLock { running in
            max(0, min(slots - running.values.count { !$0.isWaiting }, Self.most - running.count))
        }
    }

    /// The handle of a new attempt; nil if the job runs already, now under the claim's token.
    func begin(_ claim: Claim, isWaiting: Bool) -> GiveUp? {
        running.withLock { running in
            if running[claim.job.id] != nil {
                running[claim.job.id]?.claim = claim
                return nil
            }
            let giveUp = GiveUp()
            running[claim.job.id] = Running(claim: claim, giveUp: giveUp, isWaiting: isWaiting)
            return giveUp
        }
    }

    /// Its turn has come.
    func stopWaiting(_ job: String) { running.withLock { $0[job]?.isWaiting = false } }

    func end(_ job: String) { running.withLock { _ = $0.removeValue(forKey: job) } }

    /// The claim as it is now.
    func claim(_ job: String) -> Claim? { running.withLock { $0[job]?.claim } }

    /// Ids by token: what heartbeats are sent for.
    var byToken: [String: [String]] {
        running.withLock { running in
            Dictionary(grouping: running.values.map(\.claim), by: \.token).mapValues { $0.map(\.job.id).sorted() }
        }
    }

    /// The agent ends: nothing more is begun.
    func giveUpAll() {
        running.withLock { running in for attempt in running.values { attempt.giveUp.set() } }
    }

    /// Jobs of one instance are done one after the other.
    func lane(of id: InstanceID) -> AsyncLane {
        lanes.withLock { lanes in
            if let lane = lanes[id] { return lane }
            let lane = AsyncLane()
            lanes[id] = lane
            return lane
        }
    }
}
