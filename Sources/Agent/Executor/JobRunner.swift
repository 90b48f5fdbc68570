// Does the steps of one job, on the calling thread. What was done before a crash is seen by looking, not remembered:
// every step looks first, so a job can be done again from its beginning; the ledger says what cannot be seen.

internal import JSON
package import Model
internal import Store
internal import Synchronization

/// What became of an attempt.
package struct JobOutcome: Sendable, Hashable {
    package var result: AttemptResult
    package var output: String
    /// The instance has left this server.
    package var gone = false
    /// Values that only this job could see (a command's proof).
    package var proofs: [FieldKey: String] = [:]
}

package struct JobRunner: Sendable {
    let drivers: Drivers
    let table: ObservedTable
    let server: String

    var ledger: Ledger { drivers.machine.ledger }

    package init(drivers: Drivers, table: ObservedTable, server: String) {
        self.drivers = drivers
        self.table = table
        self.server = server
    }

    /// nil if the attempt was given up: nothing is to be said about it.
    package func run(_ job: Job, attempt: Int, giveUp: GiveUp) -> JobOutcome? {
        if job.kind == .observe { return observe(job) }
        table.setLeaving(job.plan.isRemoval, of: job.plan.instance)
        let outcome = apply(job, attempt: attempt, giveUp)
        // One that is gone is so before the store knows: nothing may be handed to it meanwhile.
        if outcome?.gone != true { table.setLeaving(false, of: job.plan.instance) }
        return outcome
    }

    private func apply(_ job: Job, attempt: Int, _ giveUp: GiveUp) -> JobOutcome? {
        if let ended = ledger.read({ $0.ended[job.ledgerKey] }) { return Self.answer(ended) }
        do throws(StepError) {
            try checkRight(job)
            guard var outcome = try doSteps(job, attempt: attempt, giveUp) else { return nil }
            if case .failed = outcome.result, attempt < Job.maximumAttempts {
                drivers.machine.state.removeOutput(job: job.ledgerKey)
            } else {
                try finish(job, &outcome)
            }
            return outcome
        } catch {
            return Self.outcome(of: error, job: job, attempt: attempt, where: nil, output: "")
        }
    }

    /// A job that is delivered again is answered with how it ended.
    private static func answer(_ ended: EndedJob) -> JobOutcome {
        JobOutcome(
            result: ended.error.map { .dead(error: $0) } ?? .done, output: ended.output, gone: ended.gone)
    }

    /// Jobs of a leader that is no more are refused: a newer one has spoken since.
    private func checkRight(_ job: Job) throws(StepError) {
        guard job.plan.instance.server == server else {
            throw .impossible("this job is for \(job.plan.instance.server), and this is the agent of \(server)")
        }
        let highest = ledger.read { $0.epoch }
        guard job.epoch >= highest else {
            throw .impossible("refused: epoch \(job.epoch) is older than \(highest), which this agent has seen")
        }
        let known = table.generation(of: job.plan.instance)
        guard job.plan.generation >= known else {
            throw .impossible(
                "refused: generation \(job.plan.generation) is older than \(known), which this agent was asked for")
        }
        if job.epoch > highest { try ledger.append([.epoch(job.epoch)]) }
    }

    private func doSteps(_ job: Job, attempt: Int, _ giveUp: GiveUp) throws(StepError) -> JobOutcome? {
        let steps = job.plan.steps
        let leftover = try leftover(of: job, giveUp)
        var output: [String] = []
        var proofs: [FieldKey: String] = [:]
        for (index, step) in steps.enumerated() {
            if giveUp.isSet { return nil }
            let context = try begin(job, index, giveUp, leftover?.step == index ? leftover?.end : nil)
            do throws(StepError) {
                try perform(step, of: job.plan, context)
                if step.field.kind == .command, !job.plan.isRemoval { proofs[step.field] = FieldValue.done }
                output += context.notes
            } catch {
                if error == .cancelled { return nil }
                let text = Self.text(output + context.notes)
                let place = Self.place(index, in: steps)
                return Self.outcome(of: error, job: job, attempt: attempt, where: place, output: text)
            }
        }
        return JobOutcome(result: .done, output: Self.text(output), gone: false, proofs: proofs)
    }

    /// Writes down that the step begins, unless it or a later one was begun before: its process may have left something.
    private func begin(
        _ job: Job, _ index: Int, _ giveUp: GiveUp, _ leftover: Leftover?
    ) throws(StepError) -> StepContext {
        let begun = ledger.read { $0.begun[job.ledgerKey] }
        if begun.map({ $0 < index }) ?? true { try ledger.append([.begun(job: job.ledgerKey, step: index)]) }
        return context(job, index, giveUp, leftover)
    }

    private func context(_ job: Job, _ step: Int, _ giveUp: GiveUp, _ leftover: Leftover?) -> StepContext {
        let id = job.plan.instance
        let made = ledger.read { ($0.made[id] ?? [:]).keys.filter { $0.kind == .package } }
        return StepContext(
            job: job.ledgerKey, step: step, giveUp: giveUp, machine: drivers.machine,
            packagesToGo: table.packagesToGo(of: id, made: made, isRemoval: job.plan.isRemoval), leftover: leftover)
    }

    private func perform(_ step: Step, of plan: Plan, _ context: StepContext) throws(StepError) {
        let target = FieldTarget(instance: plan.instance, key: step.field, spec: step.spec)
        let driver = drivers.driver(step.field.kind)
        guard step.spec != nil else { return try remove(target, driver, context) }
        if Self.isShared(target.key) { try checkUndisputed(target) }
        try driver.apply(target, context)
    }

    /// What instances of one server can have in common.
    private static func isShared(_ key: FieldKey) -> Bool { [.package, .directory, .file].contains(key.kind) }

    /// Two that want one thing differently would undo each other's work for ever. Who made it keeps it as it wants it; what
    /// nobody made stays as it is.
    private func checkUndisputed(_ target: FieldTarget) throws(StepError) {
        let rivals = table.rivals(of: target.instance, over: target.key)
        guard let rival = rivals.first else { return }
        let makers = ledger.read { state in state.made.filter { $0.value[target.key] != nil }.map(\.key) }
        if makers.contains(target.instance), !rivals.contains(where: { makers.contains($0.id) }) { return }
        throw .impossible(
            "\(rival.id) wants it otherwise (\(rival.expectation.text)): nothing is done until one of the two gives way"
        )
    }

    /// What another instance on this server is asked to have as well is handed over instead of taken away.
    private func remove(_ target: FieldTarget, _ driver: any Driver, _ context: StepContext) throws(StepError) {
        if Self.isShared(target.key) {
            let other = try table.withOtherHolder(of: target.key, than: target.instance) { other throws(StepError) in
                guard let made = drivers.machine.made(target) else { return }
                try ledger.append([.made(other, target.key, made), .unmade(target.instance, target.key)])
            }
            if let other { return context.note("kept \(target.key): \(other) has it too") }
        }
        try driver.remove(target, context)
    }

    // MARK: the end

    private func finish(_ job: Job, _ outcome: inout JobOutcome) throws(StepError) {
        if job.plan.isRemoval, outcome.result == .done {
            outcome.output = Self.text([outcome.output] + (try removeRest(job)))
            outcome.gone = true
        }
        var error: String?
        switch outcome.result {
        case .done: break
        // With its last attempt a job is dead, and will not come again.
        case .dead(let text), .failed(let text, _): error = text
        }
        let kept = String(decoding: outcome.output.utf8.suffix(Self.keptOutput), as: UTF8.self)
        let ended = LedgerEntry.ended(
            job: job.ledgerKey, EndedJob(error: error, output: kept, gone: outcome.gone))
        if outcome.gone { try forget(job.plan.instance, ended) } else { try ledger.append([ended]) }
        drivers.machine.state.removeOutput(job: job.ledgerKey)
    }

    /// How much output of an ended job stays in the ledger, for an answer after a lost acknowledgement.
    private static let keptOutput = 1024

    /// What was made for the instance and was in none of the steps: entries of earlier manifests, and missing folders.
    private func removeRest(_ job: Job) throws(StepError) -> [String] {
        let id = job.plan.instance
        let (made, services) = ledger.read { state in
            (
                (state.made[id] ?? [:]).filter { $0.value == .step }.map(\.key),
                state.services.keys.filter { $0.instance == id }.map(\.field)
            )
        }
        let context = context(job, job.plan.steps.count, GiveUp(), nil)
        for key in (services + made).sorted(by: >) {
            try remove(FieldTarget(instance: id, key: key, spec: nil), drivers.driver(key.kind), context)
        }
        return context.notes
    }

    /// The last that is done for an instance. Nobody else goes meanwhile: of two the later one finds the folder empty, or its
    /// own.
    private func forget(_ id: InstanceID, _ ended: LedgerEntry) throws(StepError) {
        try table.handing.withLock { _ throws(StepError) in
            let handed = FolderMaker(machine: drivers.machine).removeParents(of: id) { key in
                table.otherHolder(of: key, than: id)
            }
            try ledger.append(handed + [.forgotten(id), ended])
        }
    }

    private static func outcome(
        of error: StepError, job: Job, attempt: Int, where place: String?, output: String
    ) -> JobOutcome? {
        let text = (place.map { $0 + ": " } ?? "") + error.text
        switch error {
        case .cancelled: return nil
        case .impossible: return JobOutcome(result: .dead(error: text), output: output)
        case .failed:
            let wait = RetryPlan.wait(job: job.id, attempt: attempt)
            return JobOutcome(result: .failed(error: text, retryAfter: wait), output: output)
        case .later(_, let after):
            let wait = max(after, RetryPlan.wait(job: job.id, attempt: attempt))
            return JobOutcome(result: .failed(error: text, retryAfter: wait), output: output)
        }
    }

    private static func text(_ notes: [String]) -> String {
        StoreBounds.bounded(output: notes.filter { !$0.isEmpty }.joined(separator: "\n"))
    }

    // MARK: looking only

    private func observe(_ job: Job) -> JobOutcome {
        let reader = drivers.reader()
        var values: [String: JSONValue] = [:]
        for step in job.plan.steps {
            let target = FieldTarget(instance: job.plan.instance, key: step.field, spec: step.spec)
            values[step.field.description] = .string(drivers.observe(target, reader: reader))
        }
        return JobOutcome(result: .done, output: JSONValue.object(values).canonical)
    }
}

extension Job {
    /// What the ledger knows a job by. After the store lost everything, revisions and with them ids begin again; epochs do not.
    var ledgerKey: String { "\(id)-\(epoch)" }
}

/// How long a failed job waits for its next attempt: 1, 2, 4 … s and up to a quarter more, the same for the same job.
package enum RetryPlan {
    private static let longest: Duration = .seconds(60)

    package static func wait(job: String, attempt: Int) -> Duration {
        let base = min(longest, .seconds(1 << min(max(attempt, 1) - 1, 6)))
        let spread = job.utf8.reduce(UInt32(attempt)) { ($0 ^ UInt32($1)) &* 16_777_619 } % 256
        return base + base * Int(spread) / 1024
    }
}
