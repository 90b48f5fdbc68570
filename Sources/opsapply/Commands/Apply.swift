internal import ArgumentParser
internal import Manifests
internal import Model
internal import Output
internal import Programs
internal import Store

/// `apply FILES`: stores what is desired. Also what `opsapply FILES` does.
struct Apply: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Store what manifests declare, for the controller to bring about.")

    @OptionGroup var options: StoreOptions

    @Argument(help: "Manifest files, folders, or - for standard input.", completion: .file())
    var files: [String] = []

    @Option(name: .customLong("plan"), help: "Apply a saved plan, if nothing moved since.", completion: .file())
    var planFile: String?

    @Flag(help: "Delete the resources that are not in the given files.")
    var prune = false

    @Flag(help: "Wait until all that is applied is Ready.")
    var wait = false

    @Option(help: "How long to wait at most: 30s, 5m.")
    var timeout = Span(.seconds(300))

    @Flag(help: "Only say what would be written.")
    var dryRun = false

    @Flag(help: "Do not ask.")
    var yes = false

    @Flag(help: "Agree to the removal of many instances or resources.")
    var confirmRemoval = false

    func validate() throws {
        if files.isEmpty, planFile == nil {
            throw ValidationError("give manifest files or folders, or - for standard input")
        }
        if planFile != nil, !files.isEmpty { throw ValidationError("--plan brings its own manifests: give no files") }
        if planFile != nil, prune { throw ValidationError("--prune needs the files themselves, not --plan") }
    }

    func run() async throws {
        let wanted: Application.Wanted =
            if let planFile { .plan(try SavedPlan.read(planFile)) } else { .files(try Desired.files(files)) }
        try await options.withStore { store in
            let application = try await Application.prepare(wanted, self, store)
            if dryRun {
                application.printDryRun()
                return
            }
            let applied = try await application.write()
            guard wait else { return }
            let targets = Waiting.unsuspended(applied, among: application.resources, at: try await store.now())
            try await Waiting(store: store, targets: targets).run(timeout: timeout.duration)
            if let removal = application.pruned { try await removal.wait(in: store, timeout: timeout.duration) }
        }
    }
}
