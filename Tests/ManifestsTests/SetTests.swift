// Manifests beside each other, and beside what is stored.

import Manifests
import Model
import Testing

@Suite struct SetTests {
    private func app(_ name: String, _ spec: String, file: String? = nil) -> ManifestSource {
        ManifestSource(
            name: file ?? "\(name).json",
            text: #"{"apiVersion":"ops/v1","kind":"App","metadata":{"name":"\#(name)"},"spec":{\#(spec)}}"#)
    }

    private func server(_ name: String, role: String, also spec: String = "") -> ManifestSource {
        ManifestSource(
            name: "\(name).json",
            text: """
                {"apiVersion":"ops/v1","kind":"Server","metadata":{"name":"\(name)","labels":{"role":"\(role)"}},
                "spec":{"address":"::1"\(spec)}}
                """)
    }

    private let web = #""placement":{"selector":{"role":"web"}}"#

    private func warnings(_ sources: [ManifestSource], _ context: ManifestContext = .none) throws -> [String] {
        try ManifestReader.read(sources, context: context).warnings.map(\.description)
    }

    private func errors(_ sources: [ManifestSource], _ context: ManifestContext = .none) -> [String] {
        do throws(ManifestErrors) {
            _ = try ManifestReader.read(sources, context: context)
            return []
        } catch {
            return error.errors.map(\.description)
        }
    }

    @Test func `an App that selects no server is valid, with a warning`() throws {
        #expect(
            try warnings([app("a", web), server("s", role: "db")]) == [
                "a.json:1:93: warning: spec.placement.selector: selects none of the known servers (1), so the App runs nowhere"
            ])
        #expect(try warnings([app("a", web), server("s", role: "web")]).isEmpty)
        #expect(try warnings([app("a", web)], ManifestContext(servers: ["s": ["role": "web"]], apps: [:])).isEmpty)
    }

    @Test func `a given server stands for the stored one of its name`() throws {
        let context = ManifestContext(servers: ["s": ["role": "web"]], apps: [:])
        #expect(try warnings([app("a", web), server("s", role: "db")], context).count == 1)
    }

    @Test func `servers, Apps and counts that are not there are warnings`() throws {
        let given = [server("s", role: "web")]
        #expect(try warnings(given + [app("a", #""placement":{"servers":["s","t"]}"#)]).count == 1)
        #expect(try warnings(given + [app("a", web + #","dependsOn":{"b":"Ready"}"#)]).count == 1)
        #expect(try warnings(given + [app("a", #""placement":{"selector":{},"count":2}"#)]).count == 1)
        #expect(try warnings(given + [app("a", web + #","servers":{"t":{}}"#)]).count == 1)
        #expect(try warnings(given + [app("a", web + #","config":{"x":"${config.y}"}"#)]).count == 1)
    }

    @Test func `a file that two Apps declare for one server is a warning`() throws {
        let given = [server("s", role: "web"), server("t", role: "db")]
        let file = #","files":{"/etc/x":{"content":"x"}},"packages":{"p":"present"},"directories":{"/d":{}}"#
        let found = try warnings(given + [app("a", web + file), app("b", #""placement":{"servers":["s"]}"# + file)])
        #expect(found.count == 1)
        #expect(found.first?.hasPrefix("b.json:") == true)
        #expect(
            found.first?.hasSuffix("App/a declares it as well, and both can be on s: one would undo the other") == true)
        #expect(
            try warnings(given + [app("a", web + file), app("b", #""placement":{"servers":["t"]}"# + file)]).isEmpty)
        let version = #","packages":{"p":"1.2"}"#
        #expect(try warnings(given + [app("a", web + file), app("b", web + version)]).count == 1)
    }

    @Test(arguments: [
        (#""files":{"/proc/x":{"content":"x"}}"#, "spec.files[\"/proc/x\"]: is in /proc"),
        (#""directories":{"/dev":{}}"#, "spec.directories[\"/dev\"]: is in /dev"),
        (
            #""config":{"a":1},"services":{"s":{"command":["x"],"restartOn":["config:a"],"reloadOn":["config:a"],"#
                + #""reload":{"signal":"HUP"}}}"#, "spec.services.s.reloadOn[0]: is in restartOn as well"
        ),
        (#""services":{"s":{"command":["x"],"reload":{"signal":"HUP"}}}"#, "spec.services.s.reload: is never used"),
        (#""suspend":{"reason":"x","until":"2026-11-21T08:00:00Z"}"#, "spec.suspend.until: is past"),
        (#""health":{"h":{"tcp":"h:1","every":"1s","timeout":"2s"}}"#, "spec.health.h.timeout: is longer than"),
    ])
    func `what is valid and probably not meant is a warning`(_ section: String, _ words: String) throws {
        var context = ManifestContext(servers: ["s": ["role": "web"]], apps: [:])
        context.now = Timestamp(rfc3339: "2026-11-21T08:00:00Z")
        let found = try warnings([app("a", web + "," + section)], context)
        #expect(found.count == 1 && found.first?.contains("warning: \(words)") == true, "\(found)")
        #expect(try warnings([server("s", role: "web", also: "," + section)], context).count == 1)
    }

    @Test func `what is probably meant is no warning`() throws {
        var context = ManifestContext(servers: ["s": ["role": "web"]], apps: [:])
        context.now = Timestamp(rfc3339: "2026-11-21T08:00:00Z")
        let fine = #"""
            ,"files":{"/devel/x":{"content":"x"}},"suspend":{"reason":"x","until":"2026-11-21T08:00:01Z"},"config":{"a":1},
            "services":{"s":{"command":["x"],"reloadOn":["config:a"],"reload":{"signal":"HUP"}}},
            "health":{"h":{"tcp":"h:1","every":"1s"},"i":{"tcp":"h:1","every":"1s","timeout":"1s"}}
            """#
        #expect(try warnings([app("a", web + fine)], context).isEmpty)
    }

    @Test func `two resources of one name in two files are an error that names both places`() {
        let found = errors([app("a", web, file: "x/one.json"), app("a", web, file: "x/two.json")])
        #expect(found.count == 1)
        #expect(found.first?.hasPrefix("x/two.json:1:") == true)
        #expect(found.first?.contains("App/a") == true)
        #expect(found.first?.contains("x/one.json:1:") == true)
    }

    @Test func `a cycle through a stored App is found`() {
        let context = ManifestContext(servers: [:], apps: ["b": ["c"], "c": ["a"]])
        let found = errors([app("a", web + #","dependsOn":{"b":"Ready"}"#)], context)
        #expect(found.count == 1)
        #expect(found.first?.contains("a → b → c → a") == true)
        let given = [app("a", web + #","dependsOn":{"b":"Ready"}"#), app("b", web)]
        #expect(errors(given, context).isEmpty)
    }

    @Test func `the errors of all files are told at once, in their order`() {
        let found = errors([
            app("a", #""placement":{}"#), app("b", #""x":1"#), ManifestSource(name: "c.json", text: "{"),
        ])
        #expect(found.map { $0.prefix(7) } == ["a.json:", "b.json:", "b.json:", "c.json:"])
    }

    @Test func `errors without end are counted rather than told`() {
        let many = (0..<500).map { #""x\#($0)":1"# }.joined(separator: ",")
        let found = errors([app("a", web + "," + many)])
        #expect(found.count == ManifestLimits.errors + 1)
        #expect(found.last?.hasSuffix("and 300 more errors") == true)
    }

    @Test func `files and maps beyond their bounds are errors`() {
        let large = ManifestSource(
            name: "a.json", text: String(repeating: " ", count: ManifestLimits.manifestSize + 1))
        #expect(errors([large]).count == 1)
        let entries = (0...ManifestLimits.entries).map { #""k\#($0)":1"# }.joined(separator: ",")
        #expect(errors([app("a", web + #","config":{\#(entries)}"#)]).count == 1)
        let content = String(repeating: "x", count: FileSpec.maximumSize + 1)
        #expect(errors([app("a", web + #","files":{"/x":{"content":"\#(content)"}}"#)]).count == 1)
        var source = app("a", web + #","files":{"/x":{"source":"x"}}"#)
        source.load = { (_, limit) throws(SourceFailure) in [UInt8](repeating: 0, count: limit + 1) }
        #expect(errors([source]).count == 1)
    }

    @Test func `a long chain of dependencies does not exhaust the stack`() throws {
        let length = 20_000
        let chain = Dictionary(uniqueKeysWithValues: (0..<length).map { ("n\($0)", Set(["n\($0 + 1)"])) })
        let context = ManifestContext(servers: ["s": ["role": "web"]], apps: chain)
        #expect(errors([app("a", web + #","dependsOn":{"n0":"Ready"}"#)], context).isEmpty)
    }

    // MARK: Schedules

    private func schedule(_ spec: String) -> ManifestSource {
        ManifestSource(
            name: "s.json",
            text: #"{"apiVersion":"ops/v1","kind":"Schedule","metadata":{"name":"s"},"spec":{\#(spec)}}"#)
    }

    @Test func `an App, a Server or an App of a step that is not there yet is a warning`() throws {
        let given = [server("s", role: "web"), app("a", web)]
        let restart = #""run":{"app":"a","action":"restart"}"#
        #expect(try warnings(given + [schedule(restart)]).isEmpty)
        let steps = #""run":{"steps":[{"restart":[],"app":"\#("b")"}]},"on":{"servers":["s"]}"#
        let found = try warnings(given + [schedule(steps)])
        #expect(
            found.count == 1 && found.first?.contains("steps[0].app: there is no App \"b\" yet") == true, "\(found)")
        let away = #""run":{"app":"b","action":"backup"}"#
        #expect(try warnings(given + [schedule(away)]).count == 1)
        #expect(try warnings(given + [schedule(restart + #","on":{"servers":["s","t"]}"#)]).count == 1)
        #expect(try warnings(given + [schedule(restart + #","on":{"selector":{"role":"db"}}"#)]).count == 1)
        #expect(try warnings(given + [schedule(restart + #","on":{"selector":{"role":"db"},"any":1}"#)]).count == 1)
        #expect(try warnings(given + [schedule(restart + #","on":{"selector":{"role":"web"},"any":2}"#)]).isEmpty)
    }

    @Test func `an action is looked for in the App as it is given, else as it is stored`() throws {
        var context = ManifestContext(servers: ["s": ["role": "web"]], apps: ["a": []])
        context.actions = ["a": ["backup"]]
        let run = schedule(#""run":{"app":"a","action":"backup"}"#)
        #expect(errors([run], context).isEmpty)
        #expect(try warnings([run], context).isEmpty)
        let found = errors([run, app("a", web)], context)
        #expect(
            found.count == 1 && found.first?.contains("known here: \"restart\" and \"upgrade\"") == true, "\(found)")
        #expect(errors([schedule(#""run":{"app":"a","action":"backups"}"#)], context).count == 1)
    }
}
