// The table of what Apps and Servers can both carry.

internal import JSON
internal import Model

enum WorkloadSchema {
    /// The fields of a spec that become fields of an instance, and that an override can change.
    static let fields: [Field] = [
        Field(
            "config", .map(MapShape(placeholder: "key", keys: .configKey, values: .scalar)), .defaulted([:]),
            "Values by key, for ${config.KEY} in templates. The values themselves are literals.",
            example: ["nginx_port": 8080, "docroot": "/srv/www"]),
        Field(
            "packages", .map(MapShape(placeholder: "package", keys: .packageName, values: .text(.packageState))),
            .defaulted([:]),
            "Packages of the system's package manager: \"present\" in any version, \"absent\", or a version, of which a "
                + "trailing * matches any rest.",
            example: ["nginx": "present", "redis-server": "5:7.0*"]),
        Field(
            "directories", .map(MapShape(placeholder: "path", keys: .managedPath, values: .object(directory))),
            .defaulted([:]), "Directories by absolute path, without the agent's root.",
            example: ["/srv/www": ["mode": "0755"]]),
        Field(
            "files", .map(MapShape(placeholder: "path", keys: .managedPath, values: .object(file))), .defaulted([:]),
            "Files by absolute path, without the agent's root. Missing folders above them are made.",
            example: ["/etc/motd": ["content": "Welcome to ${server.name}\n", "mode": "0644"]]),
        Field(
            "commands", .map(MapShape(placeholder: "name", keys: .entryName, values: .object(command))),
            .defaulted([:]), "Commands that make something so, each with the proof by which it is known to be so.",
            example: ["init": ["command": ["tar", "-xf", "/srv/site.tar"], "creates": "/srv/site"]]),
        Field(
            "services", .map(MapShape(placeholder: "name", keys: .entryName, values: .object(service))),
            .defaulted([:]), "Processes that the agent starts in the foreground and supervises.",
            example: ["nginx": ["command": ["nginx", "-g", "daemon off;"], "restartOn": ["file:/etc/nginx.conf"]]]),
        Field(
            "health", .map(MapShape(placeholder: "name", keys: .entryName, values: .object(health))), .defaulted([:]),
            "Checks that decide whether an instance is Ready. They never change anything.",
            example: ["home": ["http": "http://${server.address}:${config.nginx_port}/", "every": "1s"]]),
    ]

    static let shape = ObjectShape("Override", fields)

    static let directory = ObjectShape("Directory", ownership(mode: "0755"))

    static let file = ObjectShape(
        "File",
        [
            Field(
                "content", .text(.anything("a text of at most 1 MiB", upTo: FileSpec.maximumSize).asTemplate()),
                .optional, "The content itself; a template.", example: "<h1>${server.name}</h1>\n"),
            Field(
                "source", .source(.sourcePath), .optional,
                "A file beside the manifest, of at most 1 MiB. A template where it is text.", example: "nginx.conf"),
            Field(
                "template", .boolean, .defaulted(true),
                "Whether ${…} in the content is filled in. A source that is not UTF-8 is never a template."),
        ] + ownership(mode: "0644"), exactlyOne: [["content", "source"]])

    static let command = ObjectShape(
        "Command",
        [
            Field(
                "command", arguments("argument"), .required, "Program and arguments; templates, and no shell.",
                example: ["tar", "-xf", "/srv/site.tar"]),
            Field(
                "creates", .text(.templatePath), .optional,
                "A path that exists when the command need not run; a template.", example: "${server.root}/srv/site"),
            Field(
                "unless", arguments("argument"), .optional,
                "A command whose exit code 0 says that the command need not run; templates.",
                example: ["test", "-e", "/srv/site"]),
        ] + process + [
            Field(
                "timeout", .text(.duration(.milliseconds(100) ... .seconds(86_400))), .defaulted("5m"),
                "After this the command is ended, TERM first, then KILL.")
        ], exactlyOne: [["creates", "unless"]])

    static let service = ObjectShape(
        "Service",
        [
            Field(
                "command", arguments("argument"), .required,
                "Program and arguments, staying in the foreground; templates, and no shell.",
                example: ["nginx", "-g", "daemon off;"])
        ] + process + [
            Field(
                "restartOn", fieldKeys, .defaulted([]), "Fields of this resource whose change restarts the service.",
                example: ["file:/etc/nginx.conf", "config:nginx_port"]),
            Field(
                "reloadOn", fieldKeys, .defaulted([]),
                "Fields of this resource whose change reloads the service.", example: ["file:/etc/nginx.conf"]),
            Field(
                "reload", .object(reload), .optional, "How the service is told to reload.", example: ["signal": "HUP"]),
            Field(
                "stopTimeout", .text(.duration(.milliseconds(100) ... .seconds(3600))), .defaulted("10s"),
                "From TERM to KILL when the service is stopped."),
        ], needs: [(field: "reloadOn", other: "reload")])

    static let reload = ObjectShape(
        "Reload",
        [
            Field("signal", .text(.signal), .optional, "A signal to the service's process.", example: "HUP"),
            Field(
                "command", arguments("argument"), .optional, "A command; templates.",
                example: ["nginx", "-s", "reload"]),
        ], exactlyOne: [["signal", "command"]])

    static let health = ObjectShape(
        "HealthCheck",
        [
            Field(
                "http", .text(.http), .optional, "A URL, a template. Healthy is a status from 200 to 399.",
                example: "http://${server.address}:8080/"),
            Field(
                "tcp", .text(.hostAndPort), .optional,
                "A host and a port, a template. Healthy is an accepted connection.", example: "127.0.0.1:3306"),
            Field(
                "command", arguments("argument"), .optional, "A command; templates. Healthy is exit code 0.",
                example: ["redis-cli", "ping"]),
            Field(
                "every", .text(.duration(.milliseconds(100) ... .seconds(3600))), .defaulted("5s"),
                "How often it is checked."),
            Field(
                "timeout", .text(.duration(.milliseconds(10) ... .seconds(300))), .defaulted("2s"),
                "After this a check has failed."),
        ], exactlyOne: [["http", "tcp", "command"]])

    private static func ownership(mode: String) -> [Field] {
        [
            Field("mode", .text(.mode), .defaulted(.string(mode)), "Permission bits, as four octal digits."),
            Field("owner", .text(.account), .optional, "The owner; where it is not given, any.", example: "www-data"),
            Field("group", .text(.account), .optional, "The group; where it is not given, any.", example: "www-data"),
        ]
    }

    static let process = [
        Field(
            "environment",
            .map(
                MapShape(
                    placeholder: "variable", keys: .environmentName, values: .text(.anything().asTemplate()))),
            .defaulted([:]), "Environment variables; the values are templates.", example: ["PORT": "${config.port}"]),
        Field(
            "directory", .text(.templatePath), .optional, "The working directory; a template.",
            example: "${server.root}/srv/www"),
        Field(
            "user", .text(.account), .optional, "The user to run as; the agent's own if not given.", example: "www-data"
        ),
    ]

    static func arguments(_ item: String) -> Shape {
        .list(
            ListShape(
                items: .text(.anything().asTemplate()), item: item, minimum: 1, isUnique: false,
                first: .nonEmpty("the program's name or path").asTemplate()))
    }

    private static let fieldKeys = Shape.list(
        ListShape(items: .text(.fieldKey), item: "field", minimum: 0, isUnique: true))
}
