// What became of runs while everything around them was broken: what the queues say, beside the lines that the jobs
// themselves left, and the one checker that judges both.

import JSON
import Model
import Store
import Testing

struct RunHistory: Sendable {
    /// A job that was acknowledged, as its queue has it now.
    struct Job: Sendable {
        var id: String
        /// nil: its queue does not know it.
        var state: JobState?
        var attempt = 0
        var error: String?
        var isRepeatable = false
        var mostAttempts = 1
        /// That it was done can be told by its effect.
        var hasEffect = true
    }

    /// What one attempt left: nanoseconds of the machine's clock.
    struct Effect: Sendable {
        var id: String
        var begun: Int
        /// nil: it was cut off, or is still at it.
        var ended: Int?
    }

    var jobs: [Job]
    var effects: [Effect]

    /// A command that leaves its lines in `effects` of its root, and between them does something.
    static func job(
        _ id: String, _ script: String = "sleep 0.05", isRepeatable: Bool = false, attempts: Int = 1
    ) -> RunJob {
        let mark = { (what: String) in "printf '%s %s %s %s\\n' \(id) $$ \(what) $(date +%s%N) >> effects" }
        let whole = "\(mark("b")); \(script); code=$?; \(mark("e")); exit $code"
        return RunJob(
            id: id, steps: [.command(RunCommand(command: ["sh", "-c", whole]))], origin: "test",
            isRepeatable: isRepeatable, maximumAttempts: attempts)
    }

    /// What a queue and the servers' files say of these jobs.
    static func recorded(
        _ jobs: [RunJob], on queue: RunQueue, of fleet: TestFleet, servers: [String] = ["server1"],
        _ store: any RunStore
    ) async throws -> RunHistory {
        let records = try await store.runs(jobs.map(\.id), on: queue)
        let own = Set(jobs.map(\.id))
        return RunHistory(
            jobs: zip(jobs, records).map { job, record in
                Job(
                    id: job.id, state: record?.state, attempt: record?.attempt ?? 0, error: record?.error,
                    isRepeatable: job.isRepeatable, mostAttempts: job.maximumAttempts)
            },
            effects: servers.flatMap { effects(in: fleet.text($0, "/effects")) }.filter { own.contains($0.id) })
    }

    static func effects(in text: String) -> [Effect] {
        var open: [String: Effect] = [:]
        var all: [Effect] = []
        for line in text.split(separator: "\n") {
            let words = line.split(separator: " ").map(String.init)
            guard words.count == 4, let at = Int(words[3]) else { continue }
            let attempt = words[0] + " " + words[1]
            if words[2] == "b" {
                open[attempt] = Effect(id: words[0], begun: at, ended: nil)
            } else if var effect = open.removeValue(forKey: attempt) {
                effect.ended = at
                all.append(effect)
            }
        }
        return all + open.values
    }

    // MARK: the rules

    /// One sentence for each breach; none where all rules held.
    var breaches: [String] {
        let byID = Dictionary(grouping: effects, by: \.id)
        return jobs.flatMap { job in
            let own = byID[job.id] ?? []
            return lost(job, own) + twice(job, own) + overlaps(job, own)
        }
    }

    private func lost(_ job: Job, _ own: [Effect]) -> [String] {
        guard let state = job.state else { return ["job \(job.id) is lost"] }
        if state.isOpen { return ["job \(job.id) is stuck: \(state)"] }
        if state == .done, job.hasEffect, own.isEmpty { return ["job \(job.id) is done and left nothing"] }
        return []
    }

    private func twice(_ job: Job, _ own: [Effect]) -> [String] {
        guard !job.isRepeatable, own.count > job.mostAttempts else { return [] }
        return ["job \(job.id) was begun \(own.count) times, and \(job.mostAttempts) were allowed"]
    }

    /// Where it may be repeated, the one before may be at it still: nobody hears of it.
    private func overlaps(_ job: Job, _ own: [Effect]) -> [String] {
        guard !job.isRepeatable else { return [] }
        let sorted = own.sorted { $0.begun < $1.begun }
        let isBad = zip(sorted, sorted.dropFirst()).contains { first, second in
            first.ended.map { $0 > second.begun } ?? (job.error?.contains("in doubt") != true)
        }
        return isBad ? ["two attempts of job \(job.id) were at work together"] : []
    }
}

@Suite struct RunHistoryTests {
    private typealias Job = RunHistory.Job
    private typealias Effect = RunHistory.Effect

    @Test func `a history of runs in order has no breach`() {
        let history = RunHistory(
            jobs: [
                Job(id: "a", state: .done), Job(id: "b", state: .dead, mostAttempts: 2),
                Job(id: "c", state: .cancelled),
                Job(id: "d", state: .done, isRepeatable: true),
            ],
            effects: [
                Effect(id: "a", begun: 1, ended: 2), Effect(id: "b", begun: 1, ended: 2),
                Effect(id: "b", begun: 3, ended: 4), Effect(id: "d", begun: 1, ended: 9),
                Effect(id: "d", begun: 2, ended: 3),
            ])
        #expect(history.breaches == [])
    }

    @Test func `each rule of runs finds its breach`() {
        let one = Effect(id: "a", begun: 1, ended: 5)
        let broken: [(Job, [Effect])] = [
            (Job(id: "a", state: nil), [one]), (Job(id: "a", state: .active), [one]), (Job(id: "a", state: .done), []),
            (Job(id: "a", state: .done), [one, Effect(id: "a", begun: 6, ended: 7)]),
            (Job(id: "a", state: .done, mostAttempts: 2), [one, Effect(id: "a", begun: 4, ended: 7)]),
        ]
        for (job, effects) in broken {
            #expect(RunHistory(jobs: [job], effects: effects).breaches.count == 1, "\(job) \(effects)")
        }
    }

    @Test func `the lines of two attempts are told apart by their processes`() {
        let effects = RunHistory.effects(in: "a 1 b 10\na 2 b 11\na 1 e 12\nnonsense\n")
        #expect(effects.count == 2 && effects.contains { $0.begun == 10 && $0.ended == 12 })
        #expect(effects.contains { $0.begun == 11 && $0.ended == nil })
    }
}
