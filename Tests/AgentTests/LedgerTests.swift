// The journal: what survives what.

import Agent
import Glibc
import Model
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
            let (state, good) = Ledger.read(Array(whole.prefix(length)))
            let complete = ends.lastIndex { $0 <= length } ?? 0
            #expect(good == ends[complete])
            #expect(state == states[complete])
        }
    }

    @Test func `a damaged line ends the reading`() {
        let lines = Self.entries.map { Ledger.line($0) }
        var bytes = lines.flatMap { $0 }
        bytes[lines[0].count + 20] ^= 1
        let (_, good) = Ledger.read(bytes)
        #expect(good == lines[0].count)
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
}
