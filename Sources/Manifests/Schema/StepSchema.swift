// The tables of what can be run: steps, the actions of Apps, and what is common to all runs.

internal import JSON
internal import Model

enum StepSchema {
    /// Where no App is known.
    static let step = ObjectShape(
        "Step",
        fields + [
            Field(
                "app", .text(.resourceName), .optional, "The App whose services are restarted.", example: "shop")
        ], exactlyOne: [kinds], atMostOne: [proofs], needs: needs + [("app", "restart"), ("restart", "app")])

    /// In an App's action.
    static let actionStep = ObjectShape(
        "ActionStep", fields, exactlyOne: [kinds], atMostOne: [proofs], needs: needs)

    static let action = ObjectShape(
        "Action",
        [
            Field(
                "steps", steps(actionStep), .required,
                "What is done, one after the other; the first that fails ends it.",
                example: [["restart": ["web"]]])
        ] + options)

    /// How anything is run.
    static let options = [
        Field(
            "timeout", .text(timeout), .optional,
            "After this all that is under way is ended, TERM first, then KILL; 1h if not given.", example: "10m"),
        Field(
            "retries", .integer(RunBounds.attempts.lowerBound - 1...RunBounds.attempts.upperBound - 1), .optional,
            "How often it is tried again when it fails, later and later; not at all if not given.", example: 2),
        Field(
            "priority", .integer(RunBounds.priorities), .optional,
            "The higher the earlier among what waits; \(RunBounds.priority) if not given.", example: 5),
        Field(
            "repeatable", .boolean, .optional,
            "Whether it may be done again where nobody knows if it was done; false if not given."),
    ]

    static func steps(_ step: ObjectShape) -> Shape {
        .list(
            ListShape(
                items: .object(step), item: "step", minimum: RunBounds.steps.lowerBound, isUnique: false,
                maximum: RunBounds.steps.upperBound))
    }

    private static let kinds = ["command", "restart", "upgrade", "keep"]
    private static let proofs = ["creates", "unless"]
    private static let ofCommand = [
        "environment", "directory", "user", "timeout", "creates", "unless", "input", "output",
    ]
    private static let needs: [(field: String, other: String)] =
        ofCommand.map { ($0, "command") } + [
            ("keep", "in"), ("keep", "matching"), ("in", "keep"), ("matching", "keep"),
        ]

    private static let timeout = TextRule.duration(.milliseconds(100)...RunBounds.longestTimeout)

    private static let fields =
        command + WorkloadSchema.process + [
            Field(
                "restart", .list(ListShape(items: .text(.entryName), item: "service", minimum: 0, isUnique: true)),
                .optional, "Services that are ended and started again; none named: all of the App.", example: ["web"]),
            Field(
                "upgrade", .list(ListShape(items: .text(.packageName), item: "package", minimum: 1, isUnique: true)),
                .optional, "Packages that get the newest version that the package system has.", example: ["nginx"]),
            Field(
                "keep", .integer(1...1_000_000), .optional,
                "How many of the files in a folder stay: those that sort last by name. The others are removed.",
                example: 7
            ),
            Field(
                "in", .text(.templatePath), .optional, "The folder of \"keep\"; a template.", example: "/var/backups"),
            Field(
                "matching", .text(.filePattern), .optional,
                "The names of the files of \"keep\", with * for any characters; a template.", example: "shop-*.sql"),
        ]

    private static let command = [
        Field(
            "command", WorkloadSchema.arguments("argument"), .optional,
            "A program that is run to its end, and its arguments; templates, and no shell.",
            example: ["mysqldump", "shop"]),
        Field(
            "timeout", .text(timeout), .optional, "For this command alone; if not given, that of all steps.",
            example: "5m"),
        Field(
            "creates", .text(.templatePath), .optional,
            "A path whose being there says that the command is done; a template.", example: "/srv/site"),
        Field(
            "unless", WorkloadSchema.arguments("argument"), .optional,
            "A command whose exit code 0 says that the command is done; templates.",
            example: ["test", "-e", "/srv/site"]
        ),
        Field(
            "input", .text(.templatePath), .optional,
            "A file that the command reads as its standard input; a template.",
            example: "/var/backups/shop.sql"),
        Field(
            "output", .text(.templatePath), .optional,
            "A file that the standard output becomes, whole or not at all; a template. Its folder must exist.",
            example: "/var/backups/shop-${run.time}.sql"),
    ]
}
