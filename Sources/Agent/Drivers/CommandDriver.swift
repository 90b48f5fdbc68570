// A command that makes something so, and its proof: a path that exists, or another command that ends with 0.

internal import Model

struct CommandDriver: Driver {
    let machine: Machine

    /// A proof by command may take no longer than this.
    static let longestProof: Duration = .seconds(30)

    func observe(_ target: FieldTarget, reader: PathReader) throws(StepError) -> String {
        guard case .command(let spec)? = target.spec else { throw target.mismatch() }
        return try isDone(spec, reader: reader, giveUp: GiveUp()) ? FieldValue.done : FieldValue.pending
    }

    private func isDone(_ spec: CommandSpec, reader: PathReader, giveUp: GiveUp) throws(StepError) -> Bool {
        if let creates = spec.creates { return try exists(creates, reader) }
        guard let unless = spec.unless else { return false }
        let time = min(Self.longestProof, spec.timeout)
        let run = CommandRun(names: machine.names, outputPath: nil, deadline: .now + time, giveUp: giveUp)
        switch try run.run(program(spec, unless), beforeItBegins: { _ in }) {
        case .ended(let exit): return exit == .exited(0)
        case .timedOut: throw .failed("the proof \(unless[0]) had not ended after \(time) and was stopped")
        case .givenUp: throw .cancelled
        }
    }

    private func exists(_ path: String, _ reader: PathReader) throws(StepError) -> Bool {
        do throws(SystemError) {
            return try reader.status(of: machine.root.insidePath(path)) != nil
        } catch {
            throw error.step
        }
    }

    private func program(_ spec: CommandSpec, _ command: [String]) -> Program {
        Program(
            command: command, environment: spec.environment,
            directory: spec.directory.map { machine.root.literalPath($0) }, user: spec.user)
    }

    func apply(_ target: FieldTarget, _ context: StepContext) throws(StepError) {
        guard case .command(let spec)? = target.spec, let name = spec.command.first else { throw target.mismatch() }
        let reader = machine.reader()
        if try isDone(spec, reader: reader, giveUp: context.giveUp) { return }
        if context.leftover == .awaited {
            throw .failed("\(name) went on while the agent was away, and has not done its work")
        }
        let (exit, output) = try context.run(program(spec, spec.command), within: spec.timeout)
        context.note(output)
        guard exit == .exited(0) else { throw .failed("\(name) \(exit.text)\(StepContext.lastLine(output))") }
        guard try isDone(spec, reader: machine.reader(), giveUp: context.giveUp) else {
            throw .failed("\(name) ended well, and still \(Self.proof(spec))")
        }
    }

    private static func proof(_ spec: CommandSpec) -> String {
        if let creates = spec.creates { return "\(creates) does not exist" }
        return "\(spec.unless?.first ?? "its proof") does not end with 0"
    }

    /// What a command did is not known, so it cannot be taken back.
    func remove(_ target: FieldTarget, _ context: StepContext) throws(StepError) {
        context.note("\(target.key): what a command did stays")
    }
}
