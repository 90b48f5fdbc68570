// The digest of an instance: over every field's key, expectation and spec, a file's content by its own digest.
// Generation and server are not in it, so two servers with the same fields agree.

import Model

enum InstanceDigest {
    private static let digits = 16

    static func of(_ fields: [DesiredField]) -> String {
        var digest = CanonicalDigest()
        digest.add(fields.count)
        for field in fields {
            digest.add(field.key.description)
            digest.add(field.expectation)
            digest.add(field.spec)
        }
        return digest.hex(digits)
    }
}

extension CanonicalDigest {
    mutating func add(_ expectation: Expectation) {
        switch expectation {
        case .exactly(let text): add(["exactly", text])
        case .startsWith(let prefix): add(["startsWith", prefix])
        case .present: add(["present"])
        case .owned(let head, let owner, let group):
            add(["owned", head])
            add(owner)
            add(group)
        }
    }

    mutating func add(_ spec: FieldSpec) {
        switch spec {
        case .config(let value): add(["config", value])
        case .package(.present): add(["package"])
        case .package(.absent): add(["package", "absent"])
        case .package(.version(let version)): add(["package", "version", version])
        case .directory(let ownership):
            add("directory")
            add(ownership)
        case .file(let render):
            add(["file", render.digest])
            add(render.size)
            add(render.ownership)
        case .command(let command): add(command)
        case .service(let run): add(run)
        case .health(let health): add(health)
        }
    }

    private mutating func add(_ ownership: Ownership) {
        add(ownership.mode)
        add(ownership.owner)
        add(ownership.group)
    }

    private mutating func add(_ spec: CommandSpec) {
        add("command")
        add(spec.command)
        add(spec.creates)
        add(spec.unless ?? [])
        add(spec.environment)
        add(spec.directory)
        add(spec.user)
        add(spec.timeout)
    }

    private mutating func add(_ run: ServiceRun) {
        add(["service", run.run, run.load])
        add(run.spec.command)
        add(run.spec.environment)
        add(run.spec.directory)
        add(run.spec.user)
        add(run.spec.restartOn.map(\.description))
        add(run.spec.reloadOn.map(\.description))
        switch run.spec.reload {
        case nil: add("-")
        case .signal(let name): add(["signal", name])
        case .command(let command): add(["command"] + command)
        }
        add(run.spec.stopTimeout)
    }

    private mutating func add(_ spec: HealthSpec) {
        switch spec.probe {
        case .http(let url): add(["http", url])
        case .tcp(let address): add(["tcp", address])
        case .command(let command): add(["command"] + command)
        }
        add(spec.every)
        add(spec.timeout)
    }
}
