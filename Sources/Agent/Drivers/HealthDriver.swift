// A look from the outside: an HTTP answer, an accepted connection, a command's exit code.

internal import Model

struct HealthDriver: Driver {
    let machine: Machine
    private let resolver = Resolver()

    init(machine: Machine) {
        self.machine = machine
    }

    func observe(_ target: FieldTarget, reader: PathReader) throws(StepError) -> String {
        guard case .health(let spec)? = target.spec else { throw target.mismatch() }
        switch spec.probe {
        case .http(let url): return HTTPProbe.look(url, timeout: spec.timeout, resolver: resolver)
        case .tcp(let address): return TCPProbe.look(address, timeout: spec.timeout, resolver: resolver)
        case .command(let command): return try run(command, timeout: spec.timeout)
        }
    }

    private func run(_ command: [String], timeout: Duration) throws(StepError) -> String {
        let run = CommandRun(names: machine.names, outputPath: nil, deadline: .now + timeout, giveUp: GiveUp())
        switch try run.run(Program(command: command), beforeItBegins: { _ in }) {
        case .ended(.exited(0)): return FieldValue.healthy
        case .ended(let exit): return FieldValue.unhealthy("\(command[0]) \(exit.text)")
        case .timedOut: return FieldValue.unhealthy("\(command[0]) had not ended after \(timeout)")
        case .givenUp: throw .cancelled
        }
    }

    func apply(_ target: FieldTarget, _ context: StepContext) throws(StepError) {
        throw .impossible("\(target.key) is only looked at: no step can make it so")
    }

    func remove(_ target: FieldTarget, _ context: StepContext) throws(StepError) {}
}
