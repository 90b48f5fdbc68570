// The tables of Schedules, and of the runs that people write as JSON.

internal import JSON
internal import Model

enum ScheduleSchema {
    static let spec = ObjectShape(
        "ScheduleSpec",
        [
            Field(
                "at", .text(.cron), .optional,
                "Times as cron has them: minute, hour, day, month and weekday, or with seconds first, or such as @daily.",
                example: "30 2 * * *"),
            Field(
                "timeZone", .text(.zoneName), .defaulted("UTC"), "The time zone of \"at\", by its IANA name.",
                example: "Europe/Berlin"),
            Field(
                "jitter", .text(.duration(.zero ... .seconds(86_400))), .defaulted("0s"),
                "Each time is later by up to this, so that not all fire at once.", example: "5m"),
            Field(
                "missed", .text(.oneOf(TimeTrigger.Missed.allCases.map(\.rawValue))), .defaulted("once"),
                "Which of the times that no controller could keep are made up for."),
            Field(
                "startDeadline", .text(.duration(.seconds(1)...RunBounds.longestDelay)), .defaulted("1h"),
                "A time that could not be kept is of use for so long."),
            Field(
                "when", .object(condition), .optional,
                "A condition on a value that servers report: fires on each server where it begins to hold.",
                example: ["metric": "disk", "above": 85, "for": "5m"]),
            Field("run", .object(run), .required, "What is run.", example: ["app": "shop", "action": "backup"]),
            Field(
                "on", .object(targets), .optional,
                "The servers. For an App's action, if not given, all that have an instance of it.",
                example: ["servers": ["server1"]]),
            Field(
                "overlap", .text(.oneOf(ScheduleSpec.Overlap.allCases.map(\.rawValue))), .defaulted("forbid"),
                "What happens when it is time and the run before is not over: forbid leaves the new one out, allow runs "
                    + "both, replace cancels the old one."),
        ] + StepSchema.options + [ResourceSchema.suspendSchedule], atMostOne: [["at", "when"]],
        needs: ["timeZone", "jitter", "missed", "startDeadline", "overlap"].map { ($0, "at") })

    static let condition = ObjectShape(
        "Condition",
        [
            Field("metric", .text(.metric), .required, "A field of the monitor hash.", example: "disk"),
            Field("above", .number, .optional, "Holds while the value is greater.", example: 85),
            Field("below", .number, .optional, "Holds while the value is less.", example: 10),
            Field(
                "for", .text(.duration(.zero ... .seconds(7 * 86_400))), .defaulted("0s"),
                "How long it must hold before it fires.", example: "5m"),
            Field(
                "coolDown", .text(.duration(.zero...RunBounds.longestDelay)), .defaulted("1h"),
                "No second time on a server for so long after one."),
        ], exactlyOne: [["above", "below"]])

    static let run = ObjectShape(
        "Run",
        [
            Field("app", .text(.resourceName), .optional, "The App whose action it is.", example: "shop"),
            Field(
                "action", .text(.entryName), .optional,
                "One of the App's actions, or \"restart\" or \"upgrade\", which every App has.", example: "backup"),
            Field(
                "steps", StepSchema.steps(StepSchema.step), .optional,
                "What is done, one after the other; the first that fails ends it.",
                example: [["command": ["apt-get", "update"]]]),
        ], exactlyOne: [["app", "steps"]], needs: [("app", "action"), ("action", "app")])

    static let targets = ObjectShape(
        "Targets",
        [
            Field("servers", servers, .optional, "These servers, by name.", example: ["server1", "server2"]),
            Field(
                "selector", ResourceSchema.labels, .optional,
                "Every server that has these labels; an empty selector is every server.", example: ["role": "web"]),
            Field(
                "any", .integer(1...10_000), .optional,
                "So many jobs, which whichever of the selected servers is free takes.", example: 1),
        ], exactlyOne: [["servers", "selector"]], needs: [("any", "selector")])

    static let servers = Shape.list(
        ListShape(items: .text(.resourceName), item: "server", minimum: 1, isUnique: true))
}

/// What is no resource: steps in a file, and jobs in the inbox.
enum RequestSchema {
    static let stepsFile = ObjectShape(
        "StepsFile",
        [Field("steps", StepSchema.steps(StepSchema.step), .required, "What is done, one after the other.")]
            + StepSchema.options)

    /// `on` has other forms as well, which are looked at apart.
    static let inboxJob = ObjectShape(
        "InboxJob",
        [
            Field("id", .text(.runID), .optional, "The job's id: one that is known is not run again."),
            Field("run", .object(ScheduleSchema.run), .optional, "What is run."),
            Field("command", WorkloadSchema.arguments("argument"), .optional, "Short for one step with this command."),
            Field("on", .object(ScheduleSchema.targets), .optional, "The servers."),
            Field("delay", .text(.duration(.zero...RunBounds.longestDelay)), .optional, "Not before so long."),
            Field("at", .text(.time), .optional, "Not before this time."),
        ] + StepSchema.options, exactlyOne: [["run", "command"]], atMostOne: [["delay", "at"]])
}
