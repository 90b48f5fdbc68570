// What a step gets from the job that it belongs to: who it is for, where its output goes, when to give up.

internal import Model
internal import Store

/// Used by one step on one thread.
package final class StepContext {
    let job: String
    /// Its place in the job's plan.
    let step: Int
    let giveUp: GiveUp
    let machine: Machine
    /// Packages that the instance does not want here, or no longer, and that nobody else wants.
    let packagesToGo: Set<String>
    /// What became of a process that this very step started before; nil if the ledger names none.
    let leftover: Leftover?
    /// Runs programs in place of this context: those of a run have a journal and an output of their own.
    private let programs: ((Program, Duration) throws(StepError) -> (ProcessExit, String))?
    /// What people read of this step, bounded.
    private(set) var notes: [String] = []

    private static let mostNotes = 50

    package init(
        job: String, step: Int, giveUp: GiveUp, machine: Machine, packagesToGo: Set<String>, leftover: Leftover?
    ) {
        self.job = job
        self.step = step
        self.giveUp = giveUp
        self.machine = machine
        self.packagesToGo = packagesToGo
        self.leftover = leftover
        programs = nil
    }

    /// For a step of a run.
    init(
        job: String, step: Int, giveUp: GiveUp, machine: Machine,
        programs: @escaping (Program, Duration) throws(StepError) -> (ProcessExit, String)
    ) {
        self.job = job
        self.step = step
        self.giveUp = giveUp
        self.machine = machine
        packagesToGo = []
        leftover = nil
        self.programs = programs
    }

    func note(_ text: String) {
        if notes.count < Self.mostNotes { notes.append(text) }
    }

    /// Runs a program to its end, its process in the ledger, its output with the job. Returns how it ended and what it
    /// wrote.
    func run(_ program: Program, within time: Duration) throws(StepError) -> (ProcessExit, String) {
        if let programs { return try programs(program, time) }
        let run = CommandRun(
            names: machine.names, outputPath: machine.state.stepOutput(job: job), deadline: .now + time,
            giveUp: giveUp)
        machine.state.left.discard(machine.state.stepOutput(job: job))
        let end = try run.run(program) { identity throws(StepError) in
            try machine.ledger.append([.begun(job: job, step: step), .process(job: job, identity)])
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
