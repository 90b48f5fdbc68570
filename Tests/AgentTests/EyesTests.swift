// Looks at file systems that do not answer.

import Agent
import Glibc
import Model
import Synchronization
import TestRedis
import Testing

@Suite struct EyesTests {
    /// Far above what a thread that does not hang takes on a busy machine.
    private static let patience: Duration = .milliseconds(500)

    private static func target(_ path: String) -> FieldTarget {
        FieldTarget(instance: InstanceID(app: "webapp", server: "server1"), key: FieldKey(.file, path), spec: nil)
    }

    /// Paths whose look does not end, until they are taken out.
    private final class Mounts: Sendable {
        let hanging: Mutex<Set<String>>
        init(hanging: Set<String>) { self.hanging = Mutex(hanging) }

        func value(_ path: String) -> String {
            while hanging.withLock({ $0.contains(path) }) { usleep(1000) }
            return "seen \(path)"
        }
    }

    private final class Noted: Sendable {
        let values = Mutex<[String: String]>([:])
    }

    /// What a look at these paths notes.
    private static func look(_ eyes: Eyes, _ mounts: Mounts, at paths: [String]) async -> [String: String] {
        let noted = Noted()
        await eyes.look { glance in
            var values: [String: String] = [:]
            for path in paths { values[path] = glance.value(of: target(path)) { mounts.value(path) } }
            if glance.isPresent { noted.values.withLock { $0 = values } }
        }
        return noted.values.withLock { $0 }
    }

    @Test func `a field that hangs is an error, hides no other, and is seen again when it answers`() async {
        let mounts = Mounts(hanging: ["/dead"])
        let eyes = Eyes(patience: Self.patience)
        let expected = ["/a": "seen /a", "/dead": "error: no answer from /dead", "/z": "seen /z"]
        for _ in 0..<3 { #expect(await Self.look(eyes, mounts, at: ["/a", "/dead", "/z"]) == expected) }
        mounts.hanging.withLock { $0 = [] }
        #expect(await eventually { await Self.look(eyes, mounts, at: ["/dead"]) == ["/dead": "seen /dead"] })
    }

    @Test func `only so many threads are left behind`() async {
        let paths = (0..<Eyes.mostHanging).map { "/dead\($0)" }
        let mounts = Mounts(hanging: Set(paths))
        let eyes = Eyes(patience: Self.patience)
        let values = await Self.look(eyes, mounts, at: paths + ["/z"])
        #expect(values["/z"] == "seen /z" && values.count == paths.count + 1)
        #expect(eyes.threads == Eyes.mostHanging + 1)
        mounts.hanging.withLock { $0 = [] }
    }

    @Test func `what hangs in one folder takes one thread, and hides what is in it and nothing beside it`() async {
        let dead = (0...Eyes.mostHanging).map { "/mnt/dead/\($0)" }
        let mounts = Mounts(hanging: Set(dead + ["/mnt/dead/in/it"]))
        let eyes = Eyes(patience: Self.patience)
        let values = await Self.look(eyes, mounts, at: dead + ["/mnt/dead", "/mnt/dead/in/it", "/mnt/deadly", "/z"])
        #expect(values.filter { $0.value.hasPrefix("seen") }.keys.sorted() == ["/mnt/deadly", "/z"])
        #expect(values.count == dead.count + 4)
        #expect(eyes.threads == 2)
        mounts.hanging.withLock { $0 = [] }
    }

    @Test func `a thread that was left behind looks at nothing more when it comes back`() async {
        let mounts = Mounts(hanging: ["/dead"])
        let eyes = Eyes(patience: Self.patience)
        let looks = Mutex(0)
        let ends = Mutex(0)
        await eyes.look { glance in
            _ = glance.value(of: Self.target("/dead")) { mounts.value("/dead") }
            _ = glance.value(of: Self.target("/z")) {
                looks.withLock { $0 += 1 }
                return "seen"
            }
            ends.withLock { $0 += 1 }
        }
        mounts.hanging.withLock { $0 = [] }
        #expect(await eventually { ends.withLock { $0 } == 2 })
        #expect(looks.withLock { $0 } == 1)
    }

    @Test func `who is to end does not wait for a look`() async {
        let mounts = Mounts(hanging: ["/dead"])
        let eyes = Eyes(patience: .seconds(3600))
        let noted = Noted()
        let first = Task {
            await eyes.look { _ in
                noted.values.withLock { $0["begun"] = "" }
                _ = mounts.value("/dead")
            }
        }
        #expect(await eventually { noted.values.withLock { !$0.isEmpty } })
        let second = Task { await eyes.look { _ in } }
        first.cancel()
        second.cancel()
        await first.value
        await second.value
        mounts.hanging.withLock { $0 = [] }
    }
}
