internal import ArgumentParser
internal import JSON
internal import Model
internal import Output
internal import Programs
internal import Store

/// `drift`: what is not as declared, since when, why, and what is being done about it.
struct Drift: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Report what is not as declared, since when, and what is being done about it.")

    @OptionGroup var options: StoreOptions

    @Argument(help: "Only these: apps, servers or instances by name.")
    var names: [String] = []

    @Option(name: .shortAndLong, help: "table, json, name (of drifted instances), csv, markdown or html.")
    var output: DriftFormat = .table

    @Flag(help: "Also what was repaired, and how fast.")
    var history = false

    @Flag(help: "Also the fields that are in sync.")
    var all = false

    @Flag(help: "Exit with 2 if anything drifted or is unknown.")
    var detailedExitcode = false

    func run() async throws {
        let report = try await options.withStore { store in
            try await DriftRun(store: store, names: names, keepsAll: all, withHistory: history).report()
        }
        switch output {
        case .table: Console.out(report.text(Console.paint))
        case .json: Console.out(report.document)
        case .name: Console.out(report.driftedNames.map { "\($0)\n" }.joined())
        case .csv: Console.out(report.csv)
        case .markdown: Console.out(report.markdown)
        case .html: Console.out(report.html)
        }
        if report.isIncomplete { throw CommandFailure.silent(CommandFailure.error) }
        if detailedExitcode, report.hasDifferences { throw CommandFailure.silent(CommandFailure.differences) }
    }
}
