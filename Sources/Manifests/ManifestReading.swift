// The files of a run, each read on its own. Nothing beside them is needed for that, so what is wrong with them is told
// before anything is asked of a store; how they fit what the store holds is looked at afterwards.

public import Calendar

public struct ManifestReading: Sendable {
    private let run: ReadingRun

    /// Throws everything that is wrong, also with files that could not be read at all.
    /// - Parameter zones: where the time zones of Schedules are looked up.
    public init(
        _ files: [Result<ManifestSource, ManifestError>], zones: ZoneDatabase = ZoneDatabase()
    ) throws(ManifestErrors) {
        var run = ReadingRun(zones: zones)
        for file in files { run.add(file) }
        self.run = run
        if run.hasErrors { _ = try run.finish(.none) }
    }

    /// The resources, where they fit together and to what is known beside them.
    public func resources(among context: ManifestContext) throws(ManifestErrors) -> ManifestSet {
        try run.finish(context)
    }
}
