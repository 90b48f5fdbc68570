// The end of a replica, at whatever moment it comes: nothing of it is waited for for ever.

import Controller
import Logging
import Store
import Synchronization
import TestRedis
import TestSeeds
import Testing

@Suite struct ReplicaEndTests {
    private static func replica(over store: any ControllerStore) -> Replica {
        let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        return Replica(
            store: store, configuration: ControllerConfiguration(holder: "a"), time: SystemTime(), logger: logger)
    }

    @Test func `who asks for the end of the feed after its follower ended is told so`() async {
        let time = ManualTime()
        let follower = Self.replica(over: InMemoryStore(clock: { time.timestamp() })).follower
        let following = Task { await follower.run {} }
        following.cancel()
        await following.value
        let answer = Mutex<StoreError?>(nil)
        Task {
            do throws(StoreError) { try await follower.catchUp() } catch { answer.withLock { $0 = error } }
        }
        #expect(await eventually { answer.withLock { $0 } == .unavailable("this controller is stopping") })
    }

    @Test func `a replica that is cancelled at any moment ends`() async {
        let time = ManualTime()
        let seed = UInt64.random(in: 0...UInt64.max)
        var numbers = SeededGenerator(seed: seed)
        for round in 0..<100 {
            let store = InMemoryStore(clock: { time.timestamp() })
            let replica = Self.replica(over: store)
            let isOver = Mutex(false)
            let running = Task {
                await replica.run()
                isOver.withLock { $0 = true }
            }
            for _ in 0..<Int.random(in: 0..<400, using: &numbers) { await Task.yield() }
            running.cancel()
            guard await eventually(within: .seconds(30), { isOver.withLock { $0 } }) else {
                Issue.record("seed \(seed), round \(round): it goes on")
                return
            }
        }
    }
}
