// A program of a run: started under a monitor, waited for, and after a crash found again.

internal import CLinux
internal import Glibc
internal import Model

extension RunPass {
    /// A proof by command may take no longer than this.
    private static let longestProof: Duration = .seconds(30)

    func perform(_ command: RunCommand, _ index: Int) throws(StepError) {
        let name = command.command.first ?? ""
        if try isProven(command) { return active.feed.put("\(name): done before\n") }
        let output = try command.output.map { path throws(StepError) in
            try WholeOutput.make(path, run: key, user: command.user, machine)
        }
        do throws(StepError) {
            let input = try command.input.map { path throws(StepError) in try openInput(path) }
            let exit = try start(
                program(command, command.command), within: command.timeout, index,
                output: output?.file.number, input: input?.file.number)
            try conclude(command, exit)
        } catch {
            if isOver(error) { output?.place.discard(machine.root) }
            throw error
        }
    }

    /// The program has ended.
    private func conclude(_ command: RunCommand, _ exit: ProcessExit) throws(StepError) {
        let name = command.command.first ?? ""
        note(exit: exit)
        guard exit == .exited(0) else {
            throw .failed("\(name) \(exit.text)\(StepContext.lastLine(reader?.text ?? ""))")
        }
        if let path = command.output { try WholeOutput(path, run: key, machine).keep(machine.root) }
        guard command.creates != nil || command.unless != nil else { return }
        guard try isProven(command) else {
            let proof = command.creates.map { "\($0) does not exist" }
            throw .failed(
                "\(name) ended well, and still \(proof ?? "\(command.unless?.first ?? "") does not end with 0")")
        }
    }

    /// Starts a program and waits for its end, its process in the journal.
    func start(
        _ program: Program, within timeout: Duration?, _ index: Int, output: Int32? = nil, input: Int32? = nil
    ) throws(StepError) -> ProcessExit {
        guard let reader else { preconditionFailure("output is opened before the first step") }
        let attempt = active.claim.attempt
        let before = ledger.read { $0.runs.open[key] }
        let status = try files.makeStatus(attempt: attempt, step: index)
        let logNumber = reader.file.number
        let others = ChildFiles(input: input, errors: output == nil ? nil : logNumber, status: status.number)
        reader.begin()
        let child: ChildProcess
        do throws(StepError) {
            child = try ChildProcess.start(
                program, names: machine.names, output: output ?? logNumber, files: others
            ) { identity throws(StepError) in
                let open = OpenRun(attempt: attempt, step: index, process: identity)
                try ledger.append([.runBegun(run: key, open)])
            }
        } catch {
            unlink(files.status(attempt: attempt, step: index))
            throw error
        }
        if let before, before.attempt != attempt || before.step != index {
            unlink(files.status(attempt: before.attempt, step: before.step))
        }
        let exit = try wait(for: child.handle, program.command.first ?? "", timeout)
        guard case .ended(let told)? = ProgramEnd.read(files.status(attempt: attempt, step: index)) else {
            // The monitor was killed: what it watched over has nobody else who would end it.
            ProcessStop.endSession(of: child.handle.identity)
            return exit
        }
        return told
    }

    private func wait(
        for handle: ProcessHandle, _ name: String, _ timeout: Duration?
    ) throws(StepError) -> ProcessExit {
        guard let reader else { preconditionFailure("output is opened before the first step") }
        let end = ProcessWatch.wait(for: handle, until: limit(timeout), active.control) { reader.look() }
        reader.end()
        switch end {
        case .ended: return handle.exit() ?? .unknown
        case .late:
            _ = handle.exit()
            throw lateness(name, timeout)
        case .cancelled:
            _ = handle.exit()
            // Not `cancelled`: who holds a lock or has made something for it tidies up.
            throw .failed("\(name) was stopped")
        case .givenUp: throw .cancelled
        }
    }

    // MARK: after a crash

    /// Goes on with a step that an earlier life began.
    func resume(_ step: RunStep, _ open: OpenRun) throws(StepError) {
        do throws(StepError) {
            try goOn(step, open)
        } catch {
            if case .command(let command) = step, let path = command.output, isOver(error) {
                WholeOutput(path, run: key, machine).discard(machine.root)
            }
            throw error
        }
    }

    /// An agent that ends leaves the program at its work.
    private func isOver(_ error: StepError) -> Bool { error != .cancelled || active.control.stop == .cancel }

    private func goOn(_ step: RunStep, _ open: OpenRun) throws(StepError) {
        try at(open.step, step) { () throws(StepError) in
            if let process = open.process, ProcessTable.runs(process), let handle = ProcessHandle(process) {
                let (name, timeout) = Self.patience(step)
                _ = try wait(for: handle, name, timeout)
            }
        }
        guard case .command(let command) = step, let process = open.process else {
            return try at(open.step, step) { () throws(StepError) in
                try checkTime()
                try perform(step, open.step)
            }
        }
        switch ProgramEnd.read(files.status(attempt: open.attempt, step: open.step)) {
        case .ended(let exit):
            reader?.end()
            return try at(open.step, step) { () throws(StepError) in try conclude(command, exit) }
        case .neverBegun: break
        case nil:
            ProcessStop.endSession(of: process)
            // A proof that holds is found before the program would be started.
            guard job.isRepeatable || step.isSafeToRepeat else {
                throw .impossible(
                    "in doubt: \(place(open.step, step)), was begun and nobody saw its end; look, then "
                        + "`opsapply jobs retry \(active.claim.reference)` does it once more")
            }
        }
        try at(open.step, step) { () throws(StepError) in
            try checkTime()
            try perform(command, open.step)
        }
    }

    private static func patience(_ step: RunStep) -> (name: String, timeout: Duration?) {
        switch step {
        case .command(let command): (command.command.first ?? "", command.timeout)
        case .upgrade: ("apt-get", PackageDriver.patience)
        case .restart, .keep: ("", nil)
        }
    }

    // MARK: what it works with

    private func program(_ command: RunCommand, _ words: [String]) -> Program {
        Program(
            command: words, environment: command.environment,
            directory: machine.root.literalPath(command.directory ?? machine.root.path), user: command.user)
    }

    private func isProven(_ command: RunCommand) throws(StepError) -> Bool {
        if let creates = command.creates { return try exists(creates) }
        guard let unless = command.unless, let name = unless.first else { return false }
        let null: OpenFile
        do throws(SystemError) {
            null = try OpenFile.open("/dev/null", O_WRONLY)
        } catch let error {
            throw error.step
        }
        let child = try ChildProcess.start(program(command, unless), names: machine.names, output: null) { _ in }
        let time = min(Self.longestProof, command.timeout ?? Self.longestProof)
        switch ProcessWatch.wait(for: child.handle, until: limit(time), active.control) {
        case .ended: return child.handle.exit() == .exited(0)
        case .late: throw .failed("the proof \(name) had not ended after \(time) and was stopped")
        case .cancelled, .givenUp: throw .cancelled
        }
    }

    private func exists(_ path: String) throws(StepError) -> Bool {
        do throws(SystemError) {
            return try machine.reader().status(of: machine.root.insidePath(path)) != nil
        } catch {
            throw error.step
        }
    }

    private func openInput(_ path: String) throws(StepError) -> RunInput {
        do throws(SystemError) {
            // Not to wait for a fifo's writer.
            let file = try machine.root.open(machine.root.insidePath(path), O_RDONLY | O_NONBLOCK)
            var status = stat()
            guard fstat(file.number, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
                throw SystemError(code: EINVAL, "\(path) is no file to read from")
            }
            return RunInput(file)
        } catch let error {
            throw error.step
        }
    }
}

/// An open file that can be optional.
final class RunInput {
    let file: OpenFile
    init(_ file: consuming OpenFile) { self.file = file }
}
