// Fills the templates in the steps of a job. What differs from server to server only its agent knows.

internal import Model

struct RunText {
    /// What came with the job.
    let values: [String: String]
    let run: String
    let server: String
    /// As in `${server.root}`: empty for `/`.
    let root: String

    /// The steps as they are to be done; as they are where the job says that they are no templates.
    static func steps(of job: RunJob, server: String, root: String) throws(StepError) -> [RunStep] {
        guard let values = job.values else { return job.steps }
        let text = RunText(values: values, run: job.id, server: server, root: root)
        var steps: [RunStep] = []
        for (index, step) in job.steps.enumerated() {
            do throws(StepError) {
                steps.append(try text.filled(step))
            } catch {
                throw .impossible("step \(index + 1) of \(job.steps.count): \(error.text)")
            }
        }
        return steps
    }

    private func filled(_ step: RunStep) throws(StepError) -> RunStep {
        switch step {
        case .command(let command): .command(try filled(command))
        case .restart(let app, let services): .restart(app: try filled(app), services: try filled(services))
        case .upgrade(let packages): .upgrade(packages: try filled(packages))
        case .keep(let rule):
            .keep(
                KeepRule(count: rule.count, folder: try filled(rule.folder), pattern: try filled(rule.pattern)))
        }
    }

    private func filled(_ command: RunCommand) throws(StepError) -> RunCommand {
        var result = command
        result.command = try filled(command.command)
        for (name, value) in command.environment { result.environment[name] = try filled(value) }
        result.directory = try command.directory.map { text throws(StepError) in try filled(text) }
        result.user = try command.user.map { text throws(StepError) in try filled(text) }
        result.creates = try command.creates.map { text throws(StepError) in try filled(text) }
        result.unless = try command.unless.map { texts throws(StepError) in try filled(texts) }
        result.input = try command.input.map { text throws(StepError) in try filled(text) }
        result.output = try command.output.map { text throws(StepError) in try filled(text) }
        return result
    }

    private func filled(_ texts: [String]) throws(StepError) -> [String] {
        try texts.map { text throws(StepError) in try filled(text) }
    }

    private func filled(_ text: String) throws(StepError) -> String {
        guard text.utf8.contains(UInt8(ascii: "$")) else { return text }
        let template: Template
        do throws(Template.ParseError) {
            template = try Template(parsing: text)
        } catch {
            switch error {
            case .unknownName(let name, _): throw .impossible("there is no ${\(name)}: \(Self.shortened(text))")
            case .unclosed: throw .impossible("a ${ without its }: \(Self.shortened(text))")
            }
        }
        for variable in template.variables where value(variable) == nil {
            throw .impossible("\(Self.name(variable)) is not known for this job: \(Self.shortened(text))")
        }
        return template.rendered(value) ?? text
    }

    private func value(_ variable: Template.Variable) -> String? {
        switch variable {
        case .config(let key): values["config.\(key)"]
        case .appName: values["app.name"]
        case .server(.name): server
        case .server(.root): root
        case .server(.address): values["server.address"]
        case .run(.id): run
        case .run(.time): values["run.time"]
        }
    }

    private static func name(_ variable: Template.Variable) -> String {
        switch variable {
        case .config(let key): "${config.\(key)}"
        case .appName: "${app.name}"
        case .server(let name): "${server.\(name.rawValue)}"
        case .run(let name): "${run.\(name.rawValue)}"
        }
    }

    private static func shortened(_ text: String) -> String {
        text.count <= 80 ? text : "\(text.prefix(80))…"
    }
}
