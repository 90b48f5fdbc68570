import Model
import Reconcilers
import TestSeeds
import Testing

@Suite("Resolving")
struct ResolveTests {
    static let server1 = ServerFacts(name: "server1", address: "127.0.0.1", root: "/tmp/one")
    static let server2 = ServerFacts(name: "server2", address: "127.0.0.2", root: "")

    private func app(
        _ content: Workload, overrides: [String: Workload] = [:], generation: Int = 1, blobs: [String: [UInt8]] = [:]
    ) -> CompiledApp {
        let spec = AppSpec(placement: .selector([:], count: nil), content: content, overrides: overrides)
        return CompiledApp(name: "webapp", labels: [:], spec: spec, generation: generation, blobs: blobs)
    }

    private func resolved(_ app: CompiledApp, _ facts: ServerFacts) throws -> DesiredInstance {
        switch app.resolve(on: facts) {
        case .resolved(let desired): return desired
        case .waiting(let why): throw ScenarioProblem(description: why)
        }
    }

    private func why(_ app: CompiledApp, _ facts: ServerFacts) -> String? {
        if case .waiting(let why) = app.resolve(on: facts) { why } else { nil }
    }

    private func content(_ desired: DesiredInstance, _ path: String) -> String? {
        guard case .file(let render)? = desired.fields.first(where: { $0.key == FieldKey(.file, path) })?.spec else {
            return nil
        }
        return render.content.map { String(decoding: $0, as: UTF8.self) }
    }

    private func service(_ desired: DesiredInstance) -> ServiceRun? {
        for field in desired.fields { if case .service(let run) = field.spec { return run } }
        return nil
    }

    private let web = Workload(
        config: ["port": "8080"],
        files: [
            "/etc/a.conf": FileSpec(content: .inline("listen ${config.port} in ${server.root}")),
            "/www/index": FileSpec(content: .inline("${app.name}")),
        ],
        services: [
            "web": ServiceSpec(
                command: ["web", "${server.root}/etc/a.conf"], restartOn: [FieldKey(.file, "/etc/a.conf")])
        ],
        health: ["home": HealthSpec(probe: .http("http://${server.address}:${config.port}/"))])

    @Test func `every hole is filled`() throws {
        let desired = try resolved(app(web), Self.server1)
        #expect(content(desired, "/etc/a.conf") == "listen 8080 in /tmp/one")
        #expect(content(desired, "/www/index") == "webapp")
        #expect(service(desired)?.spec.command == ["web", "/tmp/one/etc/a.conf"])
        guard case .health(let health)? = desired.fields.last?.spec else {
            throw ScenarioProblem(description: "no health")
        }
        #expect(health.probe == .http("http://127.0.0.1:8080/"))
    }

    @Test(
        arguments: [
            ("http://${server.address}:8080/", "http://[fd00::5]:8080/"),
            ("http://[${server.address}]:8080/", "http://[fd00::5]:8080/"),
            ("http://${server.address}/of/${server.address}", "http://[fd00::5]/of/[fd00::5]"),
        ])
    func `an IPv6 address stands in brackets in the URL of a check (RFC 3986, 3.2.2)`(
        _ url: String, _ expected: String
    ) throws {
        let content = Workload(health: ["home": HealthSpec(probe: .http(url))])
        let facts = ServerFacts(name: "server1", address: "fd00::5", root: "")
        let desired = try resolved(app(content), facts)
        #expect(desired.fields.map(\.spec) == [.health(HealthSpec(probe: .http(expected)))])
        #expect(app(content).expectation(on: facts)?.digest == InstanceExpectation.number(desired.digest))
    }

    @Test func `fields are in the order of steps`() throws {
        let keys = try resolved(app(web), Self.server1).fields.map(\.key)
        #expect(keys == keys.sorted())
    }

    @Test func `two servers agree on the digest where nothing depends on the server, and only there`() throws {
        var same = web
        same.files["/etc/a.conf"] = FileSpec(content: .inline("x"))
        same.services["web"]?.command = ["web"]
        same.health = [:]
        #expect(!app(same).dependsOnServer("server1"))
        #expect(try resolved(app(same), Self.server1).digest == resolved(app(same), Self.server2).digest)
        #expect(app(web).dependsOnServer("server1"))
        #expect(try resolved(app(web), Self.server1).digest != resolved(app(web), Self.server2).digest)
    }

    @Test func `the generation is not in the digest`() throws {
        let (old, new) = (app(web, generation: 1), app(web, generation: 2))
        #expect(try resolved(old, Self.server1).digest == resolved(new, Self.server1).digest)
        #expect(try resolved(new, Self.server1).generation == 2)
    }

    @Test func `digests are the same in every version`() throws {
        let desired = try resolved(app(web), Self.server2)
        let run = service(desired)?.run
        #expect(desired.digest == "6e858c33431594cf")
        #expect(run == "ecd3d7525660")
    }

    @Test func `a template that needs the root waits for the agent`() {
        let facts = ServerFacts(name: "server1", address: "127.0.0.1", root: nil)
        #expect(why(app(web), facts) == "waiting for the agent of server1 to report")
        #expect(app(web).expectation(on: facts) == nil)
    }

    @Test func `a server's override is a workload of its own`() throws {
        var other = web
        other.config["port"] = "8081"
        let both = app(web, overrides: ["server2": other])
        #expect(content(try resolved(both, Self.server2), "/etc/a.conf") == "listen 8081 in ")
        #expect(content(try resolved(both, Self.server1), "/etc/a.conf") == "listen 8080 in /tmp/one")
    }

    @Test func `a change of a watched file changes the run digest, a change of the stop timeout does not`() throws {
        let before = service(try resolved(app(web), Self.server1))
        var changed = web
        changed.files["/etc/a.conf"] = FileSpec(content: .inline("else"))
        #expect(service(try resolved(app(changed), Self.server1))?.run != before?.run)
        var patient = web
        patient.services["web"]?.stopTimeout = .seconds(60)
        patient.services["web"]?.reload = .signal("HUP")
        #expect(service(try resolved(app(patient), Self.server1))?.run == before?.run)
        #expect(try resolved(app(patient), Self.server1).digest != resolved(app(web), Self.server1).digest)
    }

    @Test func `a blob is content like any other, and waits while it is missing`() throws {
        let text = Array("on ${server.name}".utf8)
        let binary: [UInt8] = [0xff, 0x24, 0x7b, 0x00]
        var content = Workload()
        content.files["/t"] = FileSpec(content: .blob(digest: "aa", template: true))
        content.files["/plain"] = FileSpec(content: .blob(digest: "aa", template: false))
        content.files["/binary"] = FileSpec(content: .blob(digest: "bb", template: true))
        let desired = try resolved(app(content, blobs: ["aa": text, "bb": binary]), Self.server1)
        #expect(self.content(desired, "/t") == "on server1")
        #expect(self.content(desired, "/plain") == "on ${server.name}")
        #expect(desired.fields[0].spec == .file(render(binary)))
        #expect(why(app(content, blobs: ["aa": text]), Self.server1)?.hasPrefix("file:/binary: its content") == true)
    }

    private func render(_ bytes: [UInt8]) -> FileRender {
        FileRender(
            digest: "d4ca40756fe562c57043c4822110154b4c8b0cde518fe863eef53316f4d9d7a2", size: bytes.count,
            ownership: Ownership(mode: 0o644), content: bytes)
    }

    @Test(
        arguments: [
            ("${config.nope}", "config has no \"nope\""), ("${nope}", "${nope}"), ("${", "does not close"),
        ])
    func `stored data that cannot be read waits with a reason and never crashes`(_ text: String, _ expected: String) {
        var content = Workload()
        content.services["s"] = ServiceSpec(command: [text])
        #expect(why(app(content), Self.server1)?.contains(expected) == true)
        content.services = [:]
        content.files["/f"] = FileSpec(content: .inline(text))
        #expect(why(app(content), Self.server1)?.contains(expected) == true)
    }

    @Test func `an assignment is the instance without contents`() throws {
        let desired = try resolved(app(web), Self.server1)
        let assignment = desired.withoutContents
        #expect(assignment.digest == desired.digest)
        #expect(content(assignment, "/www/index") == nil)
        #expect(assignment.fields.map(\.expectation) == desired.fields.map(\.expectation))
    }

    @Test func `a server's own workload knows no app`() {
        let spec = ServerSpec(
            address: "10.0.0.1", content: Workload(files: ["/m": FileSpec(content: .inline("${server.address}"))]))
        let server = CompiledServer(name: "server1", labels: [:], spec: spec, generation: 4, blobs: [:])
        guard case .resolved(let desired) = server.resolve(root: nil) else {
            Issue.record("does not resolve")
            return
        }
        #expect(desired.id == InstanceID(app: nil, server: "server1"))
        #expect(content(desired, "/m") == "10.0.0.1")
        var wrong = spec
        wrong.content.files["/m"] = FileSpec(content: .inline("${app.name}"))
        let other = CompiledServer(name: "server1", labels: [:], spec: wrong, generation: 4, blobs: [:])
        #expect(other.resolve(root: "") == .waiting(why: "file:/m: template names ${app.name}, which only an App has"))
    }

    @Test(
        arguments: [
            (PackageSpec.present, "1.0", true), (.present, "absent", false), (.absent, "absent", true),
            (.absent, "1.0", false), (.version("1.2"), "1.2", true), (.version("1.2"), "1.2.1", false),
            (.version("1.2*"), "1.2.1", true), (.version("1.2*"), "1.3", false), (.version("*"), "absent", false),
        ])
    func `what a package must be`(_ spec: PackageSpec, _ value: String, _ isMet: Bool) throws {
        let desired = try resolved(app(Workload(packages: ["p": spec])), Self.server1)
        #expect(desired.fields[0].expectation.isMet(by: value) == isMet)
    }

    @Test func `the fast comparison agrees with the planner`() {
        for seed in Seeds.seeds(2_000) {
            var generator = SeededGenerator(seed: seed)
            let compiled = app(generator.workload())
            guard case .resolved(let desired) = compiled.resolve(on: Self.server1),
                let expectation = compiled.expectation(on: Self.server1)
            else { continue }
            var fields: [FieldKey: String] = [:]
            for field in desired.fields { fields[field.key] = field.expectation.meetingValue }
            #expect(expectation.isInSync(fields), "REDOPS_SEED=\(seed)")
            #expect(expectation.digest == InstanceExpectation.number(desired.digest))
            fields = generator.observed(desired).fields
            let comparison = FieldComparison(desired: desired, observed: fields)
            #expect(expectation.isInSync(fields) == comparison.isReady, "REDOPS_SEED=\(seed)")
        }
    }
}
