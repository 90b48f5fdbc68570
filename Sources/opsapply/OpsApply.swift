// The program for people and pipelines. It parses arguments, reads manifests, talks to the store, and prints what `Output`
// renders; what servers should do is decided by the controller, and by the same pure function in `plan`.

internal import ArgumentParser
internal import Programs

@main
struct OpsApply: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "opsapply",
        abstract: "Declare what servers and apps should be, and see what they are.",
        discussion: """
            Manifests are JSON files; `opsapply FILES` is short for `opsapply apply FILES`.
            Exit codes: 0 done, 1 error, 2 differences (only with --detailed-exitcode), 3 waiting timed out, 64 usage;
            `lock` passes on that of its command.
            """,
        version: ProgramVersion.current,
        groupedSubcommands: [
            CommandGroup(
                name: "Declare",
                subcommands: [Validate.self, PlanCommand.self, Apply.self, Delete.self, Confirm.self, Retry.self]),
            CommandGroup(
                name: "Look",
                subcommands: [Get.self, Describe.self, Drift.self, Jobs.self, Events.self, Leader.self, Wait.self]),
            CommandGroup(name: "Learn", subcommands: [Explain.self, SchemaCommand.self]),
            CommandGroup(name: "Run", subcommands: [Run.self, Lock.self, Locks.self, Up.self]),
        ],
        defaultSubcommand: Apply.self)

    static func main() async {
        // `apply` stands for a missing command, but nothing at all is a question.
        if CommandLine.arguments.count < 2 { exit(withError: CleanExit.helpRequest(OpsApply.self)) }
        do {
            var command = try parseAsRoot()
            if var command = command as? any AsyncParsableCommand {
                try await command.run()
            } else {
                try command.run()
            }
        } catch let failure as CommandFailure {
            for line in failure.lines { failure.isNamed ? Console.note(line) : Console.aside(line + "\n") }
            exit(withError: ExitCode(failure.exitCode))
        } catch {
            exit(withError: error)
        }
    }
}
