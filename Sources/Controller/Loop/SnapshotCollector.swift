// Answers of a pipelined read, in order.

import Store
import Synchronization

final class SnapshotCollector: Sendable {
    private let collected = Mutex<[InstanceSnapshot]>([])

    func add(_ snapshot: InstanceSnapshot) { collected.withLock { $0.append(snapshot) } }

    var snapshots: [InstanceSnapshot] { collected.withLock { $0 } }
}
