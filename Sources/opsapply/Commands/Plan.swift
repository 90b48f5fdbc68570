internal import ArgumentParser
internal import JSON
internal import Manifests
internal import Model
internal import Output
internal import Programs
internal import Store

/// `plan [FILES]`: what the controller would do, by the controller's own function.
struct PlanCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "plan", abstract: "Show what would change on the servers.",
        discussion: "Without files: what is stored against what is observed.")

    @OptionGroup var options: StoreOptions

    @Argument(help: "Manifest files, folders, or - for standard input.", completion: .file())
    var files: [String] = []

    @Option(name: .shortAndLong, help: "table or json.")
    var output: DocumentFormat = .table

    @Option(name: .customLong("out"), help: "Save the plan in a file, for apply --plan.", completion: .file())
    var saveTo: String?

    @Flag(name: .customLong("observe"), inversion: .prefixedNo, help: "Ask agents for what is not known yet.")
    var observes = true

    @Flag(help: "Exit with 2 if there are differences.")
    var detailedExitcode = false

    func validate() throws {
        if saveTo != nil, files.isEmpty { throw ValidationError("--out saves what files would change: give files") }
    }

    func run() async throws {
        let reading = files.isEmpty ? nil : try Desired.files(files)
        let report = try await options.withStore { store in
            let known = try await Desired.stored(store)
            let given = try reading.map { try Desired.given($0, among: known.readable).resources }
            var run = try await PlanRun(given, known: known, store: store)
            try await run.run(observing: observes)
            if let saveTo {
                let plan = SavedPlan(madeAt: try await store.now(), resources: run.drafts, basis: run.basis)
                try plan.write(to: saveTo)
                Console.note("the plan is saved; apply it with: opsapply apply --plan \(saveTo.printable)")
            }
            return run.report
        }
        switch output {
        case .table: Console.out(report.text(Console.paint))
        case .json: Console.out(report.document)
        }
        if report.isIncomplete { throw CommandFailure.silent(CommandFailure.error) }
        if detailedExitcode, report.hasDifferences { throw CommandFailure.silent(CommandFailure.differences) }
    }
}
