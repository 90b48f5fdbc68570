// A look from the outside: an HTTP answer, an accepted connection, a command's exit code.

internal import CCurl
internal import Model

struct HealthDriver: Driver {
    let machine: Machine
    private let resolver = Resolver()

    init(machine: Machine) {
        self.machine = machine
    }

    /// Of a body no more is read; a check is about the answer, not the content.
    private static let largestBody = 64 << 10

    func observe(_ target: FieldTarget, reader: PathReader) throws(StepError) -> String {
        guard case .health(let spec)? = target.spec else { throw target.mismatch() }
        switch spec.probe {
        case .http(let url): return Self.http(url, timeout: spec.timeout)
        case .tcp(let address): return TCPProbe.look(address, timeout: spec.timeout, resolver: resolver)
        case .command(let command): return try run(command, timeout: spec.timeout)
        }
    }

    private static func http(_ url: String, timeout: Duration) -> String {
        var answer = redops_http_answer()
        let code = redops_http_get(url, Int(max(1, timeout.wholeMilliseconds)), largestBody, &answer)
        guard code == 0 else {
            let text = withUnsafeBytes(of: answer.error) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
            return FieldValue.unhealthy(text)
        }
        return (200...399).contains(answer.status)
            ? FieldValue.healthy : FieldValue.unhealthy("HTTP \(answer.status)")
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
