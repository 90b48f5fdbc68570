import Manifests
import Testing

@Suite struct ExplainTests {
    @Test func `a map of objects tells its key, its fields, and their defaults`() throws {
        let text = try ManifestReader.explain("App.spec.health")
        #expect(text.hasPrefix("App.spec.health: an object by <name>"))
        #expect(text.contains("Exactly one of \"http\", \"tcp\" or \"command\"."))
        #expect(text.contains("Default: \"5s\""))
        #expect(text.contains("Example: {\"home\""))
    }

    @Test(arguments: [
        "App.spec.health.http", "app.spec.health.*.http", "App.spec.health.<name>.http", "App.spec.health.home.http",
    ])
    func `the name of an entry may be left out or stand for any`(path: String) throws {
        let text = try ManifestReader.explain(path)
        #expect(text.contains("Healthy is a status from 200 to 399."))
        #expect(text.contains("Optional."))
    }

    @Test(arguments: [
        "App", "Server", "App.metadata", "App.spec", "Server.spec.monitor", "App.spec.servers",
        "App.spec.servers.files",
        "App.spec.update.canary", "App.spec.config", "App.spec.packages", "App.spec.services.environment",
        "Schedule", "Schedule.spec.on", "Schedule.spec.run.steps", "App.spec.actions.backup.timeout",
        "App.spec.actions.backup.steps.output",
    ])
    func `every place has a text`(path: String) throws {
        #expect(try ManifestReader.explain(path).split(separator: "\n").count >= 2)
    }

    @Test func `what a Schedule's condition is, is told with its bounds and defaults`() throws {
        let text = try ManifestReader.explain("Schedule.spec.when")
        for words in ["metric: ", "Exactly one of \"above\" or \"below\".", "Default: \"1h\"", "above: a number."] {
            #expect(text.contains(words), "\(words)")
        }
        let spec = try ManifestReader.explain("Schedule.spec")
        #expect(spec.contains("At most one of \"at\" or \"when\"."))
        #expect(spec.contains("\"jitter\" needs \"at\"."))
    }

    @Test func `the items of a list are told with their fields`() throws {
        let text = try ManifestReader.explain("Schedule.spec.run.steps")
        #expect(text.contains("output: an absolute path"))
        #expect(text.contains("Exactly one of \"command\", \"restart\", \"upgrade\" or \"keep\"."))
    }

    @Test(arguments: [
        ("", "expected a path that begins with App, Server or Schedule"), ("Ap", "did you mean App?"),
        ("App.spec.helth", "did you mean \"health\"?"), ("App.spec.health.http.x", "which has no fields"),
        ("App..spec", "expected a field of App"),
    ])
    func `a path to nothing is an error that says what is near`(path: String, expected: String) {
        #expect {
            try ManifestReader.explain(path)
        } throws: {
            "\($0)".contains(expected)
        }
    }
}
