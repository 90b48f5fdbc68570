internal import ArgumentParser

/// `jobs …`: the queues.
struct Jobs: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Show and change what is on the queues: plans for instances, and jobs of runs.",
        discussion: "A job of a run is named server1/ID, @role=web/ID for one of a pool, or by its ID alone.",
        subcommands: [
            JobsList.self, JobsShow.self, JobsLogs.self, JobsCancel.self, JobsRetry.self, JobsPurge.self,
        ],
        defaultSubcommand: JobsList.self)
}
