// What a step gets from the job that it belongs to: who it is for, where its output goes, when to give up.

internal import Model
internal import Store

/// Used by one step on one thread.
package final class StepContext {
    let job: String
    let giveUp: GiveUp
    let machine: Machine
    /// Packages that the instance does not want here, or no longer, and that nobody else wants.
    let packagesToGo: Set<String>
    /// A process that this very step started in an earlier life of the agent.
    private var leftover: ProcessIdentity?
    /// What people read of this step, bounded.
    private(set) var notes: [String] = []

    private static let mostNotes = 50

    package init(
        job: String, giveUp: GiveUp, machine: Machine, packagesToGo: Set<String>, leftover: ProcessIdentity?
    ) {
        self.job = job
        self.giveUp = giveUp
        self.machine = machine
        self.packagesToGo = packagesToGo
        self.leftover = leftover
    }

    func note(_ text: String) {
        if notes.count < Self.mostNotes { notes.append(text) }
    }

    /// Takes the process that an earlier life of the agent left running in this step, if it still runs.
    func takeLeftover() -> ProcessHandle? {
        defer { leftover = nil }
        guard let leftover, ProcessTable.runs(leftover) else { return nil }
        return ProcessHandle(leftover)
    }

    /// Waits for a process left over from an earlier life; whether there was one.
    func waitForLeftover(within time: Duration) throws(StepError) -> Bool {
        guard let handle = takeLeftover() else { return false }
        let run = command(within: time)
        switch run.wait(for: handle) {
        case .ended: return true
        case .timedOut: throw .failed("no end after \(time): it was stopped")
        case .givenUp: throw .cancelled
        }
    }

    func command(within time: Duration) -> CommandRun {
        CommandRun(
            names: machine.names, outputPath: machine.state.stepOutput(job: job), deadline: .now + time,
            giveUp: giveUp)
    }

    /// Runs a program to its end, its process in the ledger, its output with the job. Returns how it ended and what it
    /// wrote.
    func run(_ program: Program, within time: Duration) throws(StepError) -> (ProcessExit, String) {
        let run = command(within: time)
        run.discardOutput()
        let end = try run.run(program) { identity throws(StepError) in
            try machine.ledger.append([.process(job: job, identity)])
        }
        let output = run.output()
        switch end {
        case .ended(let exit): return (exit, output)
        case .timedOut:
            throw .failed("\(program.command[0]) had not ended after \(time) and was stopped\(Self.lastLine(output))")
        case .givenUp: throw .cancelled
        }
    }

    /// `: <the last line>`, or nothing.
    static func lastLine(_ output: String) -> String {
        let lines = output.split(whereSeparator: \.isNewline)
        guard let last = lines.last(where: { !$0.allSatisfy(\.isWhitespace) }) else { return "" }
        return ": \(last.prefix(300))"
    }
}
