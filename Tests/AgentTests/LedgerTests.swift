// The journal: what survives what.

import Agent
import Glibc
import Model
import Synchronization
import TestRedis
import Testing

@Suite struct LedgerTests {
    static let id = InstanceID(app: "webapp", server: "server1")

    static var entries: [LedgerEntry] {
        let spec = ServiceSpec(command: ["sleep", "1"], environment: ["A": "\"ü\n"], reload: .signal("HUP"))
        let process = ProcessIdentity(pid: 4711, startTime: 12345, boot: "b")
        let record = ServiceRecord(
            key: ServiceKey(id, "nginx"), run: ServiceRun(spec: spec, run: "aaaaaaaaaaaa", load: "bbbbbbbbbbbb"),
            process: process, runDigest: "000000000000", loadDigest: "bbbbbbbbbbbb")
        return [
            .epoch(7), .begun(job: "j1", step: 0), .made(id, FieldKey(.file, "/etc/a b"), .step),
            .made(id, FieldKey(.directory, "/etc"), .parent), .begun(job: "j1", step: 1),
            .process(job: "j1", process), .ended(job: "j1", EndedJob(error: nil, output: "ok\n", gone: false)),
            .config(id, key: "port", value: "80"), .service(record), .config(id, key: "port", value: nil),
            .begun(job: "j2", step: 3), .unmade(id, FieldKey(.directory, "/etc")), .serviceGone(record.key),
            .ended(job: "j2", EndedJob(error: "why", output: "", gone: true)), .epoch(9), .forgotten(id),
        ]
    }

    @Test func `a journal cut off at any byte reads as the entries before the cut`() {
        let lines = Self.entries.map { Ledger.line($0) }
        let whole = lines.flatMap { $0 }
        var states = [LedgerState()]
        for entry in Self.entries {
            var next = states[states.count - 1]
            next.apply(entry)
            states.append(next)
        }
        var ends = [0]
        for line in lines { ends.append(ends[ends.count - 1] + line.count) }
        for length in 0...whole.count {
            let reading = Ledger.read(Array(whole.prefix(length)))
            let complete = ends.lastIndex { $0 <= length } ?? 0
            #expect(reading.good == ends[complete] && reading.skipped == 0)
            #expect(reading.state == states[complete])
        }
    }

    @Test func `a line damaged in the middle is left out, what follows is read, and a copy of all is kept`() throws {
        let folder = Folder()
        let path = folder.path + "/journal"
        try Ledger(path: path).append([
            .epoch(7), .begun(job: "j", step: 0), .config(Self.id, key: "port", value: "80"),
        ])
        var bytes = readSmallFile(path) ?? []
        bytes[Ledger.line(.epoch(7)).count + 20] ^= 1
        Disk.write(String(decoding: bytes, as: UTF8.self), to: path)
        var expected = LedgerState()
        expected.apply(.epoch(7))
        expected.apply(.config(Self.id, key: "port", value: "80"))
        let ledger = try Ledger(path: path)
        #expect(ledger.damaged == Ledger.line(.begun(job: "j", step: 0)).count)
        #expect(ledger.state == expected)
        #expect(readSmallFile(path + ".damaged") == bytes)
        // The damage is in the copy only: from now on nothing is.
        try ledger.append([.epoch(8)])
        expected.apply(.epoch(8))
        let again = try Ledger(path: path)
        #expect(again.damaged == 0 && again.state == expected)
    }

    @Test func `a journal that cannot be read is an error and not an empty one`() {
        for path in ["/proc/self/mem", "/proc/self/root"] {
            let error = #expect(throws: StepError.self) { try Ledger(path: path) }
            #expect(error?.text.hasPrefix("cannot read the journal \(path): ") == true)
        }
    }

    @Test func `a journal goes on after a cut as if the lost line had never been`() throws {
        let folder = Folder()
        let path = folder.path + "/journal"
        do {
            let ledger = try Ledger(path: path)
            try ledger.append(Self.entries)
        }
        let size = (readSmallFile(path) ?? []).count
        truncate(path, off_t(size - 3))
        let ledger = try Ledger(path: path)
        #expect(ledger.damaged > 0)
        try ledger.append([.epoch(11)])
        let again = try Ledger(path: path)
        #expect(again.damaged == 0)
        #expect(again.state.epoch == 11)
        #expect(again.state == ledger.state)
    }

    @Test func `a long journal is compacted and says the same`() throws {
        let folder = Folder()
        let path = folder.path + "/journal"
        let ledger = try Ledger(path: path)
        let output = String(repeating: "x", count: 1000)
        for number in 0..<1500 {
            try ledger.append(
                [
                    .begun(job: "job\(number)", step: 0), .made(Self.id, FieldKey(.file, "/f\(number % 50)"), .step),
                    .ended(job: "job\(number)", EndedJob(error: nil, output: output, gone: false)),
                ], durable: false)
        }
        #expect((readSmallFile(path, limit: 4 << 20) ?? []).count < Ledger.compactAbove)
        let again = try Ledger(path: path)
        #expect(again.state == ledger.state)
        #expect(again.state.ended.count == LedgerState.endedJobsKept)
    }

    @Test func `a job that is begun after sixty-four others makes the oldest forgotten, and no other`() {
        var state = LedgerState()
        let process = ProcessIdentity(pid: 1, startTime: 1, boot: "b")
        for number in 0..<LedgerState.openJobsKept {
            state.apply(.begun(job: "abandoned\(number)", step: 0))
        }
        state.apply(.begun(job: "running", step: 2))
        state.apply(.process(job: "running", process))
        state.apply(.begun(job: "next", step: 0))
        #expect(state.begun["running"] == 2 && state.processes["running"] == process)
        #expect(state.begun.count == LedgerState.openJobsKept && state.begunOrder.count == state.begun.count)
        #expect(state.begun["abandoned1"] == nil && state.begun["abandoned2"] == 0)
        var again = LedgerState()
        for entry in state.entries { again.apply(entry) }
        #expect(again == state)
    }

    @Test func `what is written after a compaction that ran out of files is in the journal`() throws {
        let folder = Folder()
        let path = folder.path + "/journal"
        let ledger = try Ledger(path: path)
        func fill(_ numbers: Range<Int>) throws {
            let how = EndedJob(error: nil, output: String(repeating: "x", count: 1000), gone: false)
            for number in numbers { try ledger.append([.ended(job: "job\(number)", how)], durable: false) }
        }
        try fill(0..<900)
        // The first file that a compaction opens is had, the second is not.
        try Limit.openFiles(1) { try fill(900..<1200) }
        #expect((readSmallFile(path, limit: 4 << 20) ?? []).count < Ledger.compactAbove)
        try ledger.append([.epoch(7)])
        let again = try Ledger(path: path)
        #expect(again.state == ledger.state && again.state.epoch == 7)
    }

    @Test func `an entry that does not fit leaves no half line behind`() throws {
        let folder = Folder()
        let path = folder.path + "/journal"
        let ledger = try Ledger(path: path)
        try ledger.append([.epoch(7)])
        let whole = readSmallFile(path) ?? []
        Limit.fileSize(whole.count + 10) {
            #expect(throws: StepError.self) { try ledger.append([.epoch(8)]) }
        }
        #expect(readSmallFile(path) ?? [] == whole && ledger.state.epoch == 7)
        try ledger.append([.epoch(9)])
        let again = try Ledger(path: path)
        #expect(again.damaged == 0 && again.state.epoch == 9)
    }

    @Test func `nothing is written after a half line that could not be cut off`() throws {
        // A file in memory that may grow and may not shrink.
        typealias Create = @convention(c) (UnsafePointer<CChar>, UInt32) -> Int32
        let create = unsafeBitCast(dlsym(nil, "memfd_create"), to: Create.self)
        let (allowSealing, addSeals, shrink): (UInt32, Int32, Int32) = (2, 1033, 2)
        let file = create("journal", allowSealing)
        defer { close(file) }
        let path = "/proc/self/fd/\(file)"
        let ledger = try Ledger(path: path)
        try ledger.append([.epoch(7)])
        let size = (readSmallFile(path) ?? []).count
        try #require(fcntl(file, addSeals, shrink) == 0)
        Limit.fileSize(size + 10) {
            #expect(throws: StepError.self) { try ledger.append([.epoch(8)]) }
        }
        let half = readSmallFile(path) ?? []
        #expect(half.count == size + 10)
        #expect(throws: StepError.self) { try ledger.append([.epoch(9)]) }
        #expect(readSmallFile(path) ?? [] == half)
    }
}

/// Threads that append at the same time.
@Suite struct LedgerSharingTests {
    /// A disk whose first sync waits until it is let go, and whose later ones end with a code.
    private final class Disk: Sendable {
        private let count = Atomic(0)
        private let mayGo = Atomic(false)
        private let later: Int32

        init(later: Int32 = 0) { self.later = later }

        var syncs: Int { count.load(ordering: .acquiring) }
        func letGo() { mayGo.store(true, ordering: .releasing) }

        func sync(_ number: Int32) -> Int32 {
            guard count.add(1, ordering: .acquiringAndReleasing).newValue == 1 else { return later }
            while !mayGo.load(ordering: .acquiring) { usleep(100) }
            return fdatasync(number) == 0 ? 0 : errno
        }
    }

    private static func entry(_ number: Int) -> LedgerEntry { .config(LedgerTests.id, key: "k\(number)", value: "v") }

    /// One append has the disk; eight more come meanwhile. Returns how each ended, the first one first.
    private static func appendTogether(_ ledger: Ledger, _ disk: Disk) async throws -> [Bool] {
        let pool = WorkerPool(name: "bench", maximum: 9)
        func append(_ number: Int) -> Task<Bool, Never> {
            Task { await pool.run { (try? ledger.append([entry(number)])) != nil } }
        }
        let first = append(0)
        try #require(await eventually { disk.syncs == 1 })
        let others = (1...8).map(append)
        try #require(await eventually { ledger.waiting == 8 })
        disk.letGo()
        var ends = [await first.value]
        for task in others { ends.append(await task.value) }
        return ends
    }

    @Test func `what comes while a sync is under way shares the next one`() async throws {
        let folder = Folder()
        let disk = Disk()
        let ledger = try Ledger(path: folder.path + "/journal") { disk.sync($0) }
        let ends = try await Self.appendTogether(ledger, disk)
        #expect(ends.allSatisfy { $0 } && disk.syncs == 2 && ledger.waiting == 0)
        let later = try Ledger(path: folder.path + "/journal")
        #expect(later.damaged == 0 && later.state == ledger.state && later.state.config[LedgerTests.id]?.count == 9)
    }

    @Test func `where a shared sync fails, all that shared it fail and nobody else, and nothing of it stays`()
        async throws
    {
        let folder = Folder()
        let disk = Disk(later: EIO)
        let ledger = try Ledger(path: folder.path + "/journal") { disk.sync($0) }
        let ends = try await Self.appendTogether(ledger, disk)
        #expect(ends == [true] + Array(repeating: false, count: 8) && disk.syncs == 2)
        let later = try Ledger(path: folder.path + "/journal")
        #expect(later.damaged == 0 && later.state == ledger.state)
        #expect(later.state.config[LedgerTests.id] == ["k0": "v"])
    }

    @Test func `threads that append all the time lose nothing, and each thread's entries stay in order`() async throws {
        let folder = Folder()
        let ledger = try Ledger(path: folder.path + "/journal")
        let pool = WorkerPool(name: "bench", maximum: 4)
        await withDiscardingTaskGroup { group in
            for thread in 0..<4 {
                group.addTask {
                    await pool.run {
                        for number in 1...100 {
                            let entry = LedgerEntry.begun(job: "j\(thread)", step: number)
                            #expect((try? ledger.append([entry], durable: number.isMultiple(of: 2))) != nil)
                            #expect(ledger.read { $0.begun["j\(thread)"] } == number)
                        }
                    }
                }
            }
        }
        let later = try Ledger(path: folder.path + "/journal")
        #expect(later.damaged == 0 && later.state == ledger.state && later.state.begun.values.allSatisfy { $0 == 100 })
    }
}
