// The tables of Apps and Servers, and of what all resources share.

internal import JSON
internal import Model

enum ResourceSchema {
    static let apiVersion = "ops/v1"

    static func shape(of kind: Kind) -> ObjectShape {
        switch kind {
        case .app: app
        case .server: server
        case .schedule: schedule
        }
    }

    static let app = resource(.app, AppSchema.spec, "What the App is, where it runs, and how it changes.")
    static let server = resource(.server, ServerSchema.spec, "What the Server is, and what it carries by itself.")
    static let schedule = resource(.schedule, ScheduleSchema.spec, "When what is run, and where.")

    private static func resource(_ kind: Kind, _ spec: ObjectShape, _ doc: String) -> ObjectShape {
        ObjectShape(
            kind.rawValue,
            head.fields + [
                Field("kind", .text(.oneOf([kind.rawValue])), .required, "What is declared."),
                Field("spec", .object(spec), .required, doc),
            ])
    }

    /// What can be checked without knowing the kind.
    static let head = ObjectShape(
        "Head",
        [
            Field("apiVersion", .text(.oneOf([apiVersion])), .required, "The version of this format."),
            Field("metadata", .object(metadata), .required, "Name, labels and annotations."),
        ])

    static let metadata = ObjectShape(
        "Metadata",
        [
            Field("name", .text(.resourceName), .required, "The name, unique among its kind.", example: "webapp"),
            Field("labels", labels, .defaulted([:]), "What selectors look for.", example: ["role": "web"]),
            Field(
                "annotations",
                .map(MapShape(placeholder: "key", keys: .labelKey, values: .text(.anything()))), .defaulted([:]),
                "Notes for people and programs.", example: ["owner": "team-web"]),
        ])

    static let labels = Shape.map(MapShape(placeholder: "key", keys: .labelKey, values: .text(.labelValue)))

    static let suspend = Field(
        "suspend", .object(suspension), .optional,
        "A pause: all is observed and nothing is touched, until the time given, or until this is removed.",
        example: ["reason": "migration", "until": "2026-11-30T08:00:00Z"])

    static let suspendSchedule = Field(
        "suspend", .object(suspension), .optional,
        "A pause: nothing fires, until the time given, or until this is removed.",
        example: ["reason": "migration", "until": "2026-11-30T08:00:00Z"])

    private static let suspension = ObjectShape(
        "Suspension",
        [
            Field(
                "reason", .text(.nonEmpty("a reason, for those who wonder")), .required, "Why, for the drift report."),
            Field("until", .text(.time), .optional, "When the pause ends by itself.", example: "2026-11-30T08:00:00Z"),
        ])
}

enum AppSchema {
    static let spec = ObjectShape(
        "AppSpec",
        [
            Field(
                "placement", .object(placement), .required, "Which servers the App runs on.",
                example: ["selector": ["role": "web"]]),
            Field(
                "dependsOn",
                .map(
                    MapShape(
                        placeholder: "app", keys: .resourceName,
                        values: .text(.oneOf(Condition.Kind.allCases.map(\.rawValue))))),
                .defaulted([:]),
                "Other Apps, and the condition that each must have before an instance here moves to a new generation.",
                example: ["database": "Ready"]),
        ] + WorkloadSchema.fields + [
            Field(
                "servers",
                .map(MapShape(placeholder: "server", keys: .resourceName, values: .patch(WorkloadSchema.shape))),
                .defaulted([:]),
                "Overrides for single servers, merged onto this spec; null removes an entry, a list replaces a list.",
                example: ["server2": ["config": ["nginx_port": 8081]]]),
            Field(
                "actions",
                .map(MapShape(placeholder: "name", keys: .entryName, values: .object(StepSchema.action))),
                .defaulted([:]), "What can be run for the App, by name: for Schedules, and when somebody asks.",
                example: ["reload": ["steps": [["command": ["nginx", "-s", "reload"]]]]]),
            Field(
                "update", .object(update), .defaulted([:]), "How a change is rolled out.",
                example: ["maxUnavailable": "25%"]),
            ResourceSchema.suspend,
        ])

    static let placement = ObjectShape(
        "Placement",
        [
            Field(
                "servers",
                .list(ListShape(items: .text(.resourceName), item: "server", minimum: 1, isUnique: true)), .optional,
                "These servers, by name.", example: ["server1", "server2"]),
            Field(
                "selector", ResourceSchema.labels, .optional,
                "Every server that has these labels; an empty selector is every server.", example: ["role": "web"]),
            Field(
                "count", .integer(1...100_000), .optional,
                "Only so many of the selected servers, chosen so that as few as possible move when servers come and go."
            ),
        ], exactlyOne: [["servers", "selector"]], needs: [(field: "count", other: "selector")])

    static let update = ObjectShape(
        "Update",
        [
            Field(
                "maxUnavailable", .integerOrText(1...100_000, .percent), .defaulted(1),
                "How many instances may be unavailable at once because of a change: a number, or a percentage.",
                example: "25%"),
            Field("canary", .integer(1...100_000), .notBuilt, "How many instances get a change first."),
            Field(
                "healthyFor", .text(.duration(.milliseconds(100) ... .seconds(86_400))), .notBuilt,
                "How long an instance must be healthy before the next one follows."),
            Field("autoRevert", .boolean, .notBuilt, "Whether a failed change is taken back."),
        ])
}

enum ServerSchema {
    static let spec = ObjectShape(
        "ServerSpec",
        [
            Field(
                "address", .text(.address), .required, "The host name or address that health checks and templates use.",
                example: "127.0.0.1"),
            Field("monitor", .object(monitor), .defaulted([:]), "How the server is watched.", example: ["every": "5s"]),
        ] + WorkloadSchema.fields + [ResourceSchema.suspend])

    static let monitor = ObjectShape(
        "Monitor",
        [
            Field(
                "every", .text(.duration(.milliseconds(100) ... .seconds(3600))), .defaulted("5s"),
                "How often the agent reports."),
            Field(
                "hash", .text(.collectorHash), .optional,
                "A Redis hash that another collector writes, to stand for the agent's own.", example: "server1"),
        ])
}
