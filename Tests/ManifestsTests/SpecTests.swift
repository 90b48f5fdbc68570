// What is read into the model: every field once, defaults, overrides.

import Manifests
import Model
import Testing

@Suite struct SpecTests {
    private func read(_ name: String) throws -> [ManifestResource] {
        try ManifestReader.read([try Fixtures.source(name)]).resources
    }

    private func app(_ spec: String) throws -> AppSpec {
        let text = """
            { "apiVersion": "ops/v1", "kind": "App", "metadata": { "name": "a" },
              "spec": { "placement": { "servers": ["s"] }, \(spec) } }
            """
        let set = try ManifestReader.read([ManifestSource(name: "a.json", text: text)])
        return try #require(set.resources.first?.app)
    }

    @Test func `every field of the example arrives in the model`() throws {
        let resource = try #require(try read("good/design-example.json").first)
        #expect(resource.key == ResourceKey(.app, "webapp"))
        #expect(resource.metadata.labels == ["tier": "web"])
        #expect(resource.config["nginx_port"] == "8080")
        let spec = try #require(resource.app)
        #expect(spec.placement == .selector(["role": "web"], count: nil))
        #expect(spec.dependsOn == ["database": "Ready"])
        #expect(spec.content.packages == ["nginx": .present])
        #expect(spec.content.directories == ["/srv/www": DirectorySpec()])
        let digest = try #require(resource.blobs.keys.first)
        #expect(
            spec.content.files["/etc/webapp/nginx.conf"] == FileSpec(content: .blob(digest: digest, template: true)))
        #expect(
            spec.content.services["nginx"]
                == ServiceSpec(
                    command: ["nginx", "-c", "${server.root}/etc/webapp/nginx.conf", "-g", "daemon off;"],
                    restartOn: [FieldKey(.file, "/etc/webapp/nginx.conf")]))
        #expect(
            spec.content.health["home"]
                == HealthSpec(
                    probe: .http("http://${server.address}:${config.nginx_port}/"), every: .seconds(1),
                    timeout: .seconds(1)))
        #expect(spec.workload(on: "server2").config["nginx_port"] == "8081")
        #expect(spec.workload(on: "server2").services == spec.content.services)
        #expect(spec.workload(on: "server1") == spec.content)
        #expect(spec.update == UpdatePolicy(maxUnavailable: .count(1)))
    }

    @Test func `a server's fields arrive in the model`() throws {
        let spec = try #require(try read("good/server-full.json").first?.server)
        #expect(spec.address == "127.0.0.1")
        #expect(spec.monitor == MonitorSpec(every: .milliseconds(500), hash: "server1"))
        #expect(spec.content.packages["nginx"] == .version("1.22*"))
        #expect(spec.content.packages["telnet"] == .absent)
        #expect(spec.content.files["/etc/motd"]?.ownership == Ownership(mode: 0o600, owner: "root"))
        #expect(spec.suspend?.reason == "migration")
        #expect(spec.suspend?.until?.rfc3339 == "2026-11-30T07:00:00.000Z")
    }

    @Test func `the defaults of the table are those of the model`() throws {
        let spec = try app(
            """
            "commands": { "c": { "command": ["c"], "creates": "/c" } }, "services": { "s": { "command": ["s"] } },
            "health": { "h": { "tcp": "h:1" } }, "files": { "/f": { "content": "" } }, "directories": { "/d": {} }
            """)
        #expect(spec.content.commands["c"] == CommandSpec(command: ["c"], creates: "/c"))
        #expect(spec.content.services["s"] == ServiceSpec(command: ["s"]))
        #expect(spec.content.health["h"] == HealthSpec(probe: .tcp("h:1")))
        #expect(spec.content.files["/f"] == FileSpec(content: .inline("")))
        #expect(spec.content.directories["/d"] == DirectorySpec())
        #expect(spec.update == UpdatePolicy())
        let server = try #require(try read("good/server-minimal.json").first?.server)
        #expect(server == ServerSpec(address: "127.0.0.1"))
    }

    @Test func `an override is merged, and null removes`() throws {
        let spec = try #require(try read("good/overrides.json").first?.app)
        let second = spec.workload(on: "server2")
        #expect(second.config == ["port": "8081", "debug": "false", "extra": "x"])
        #expect(second.packages == ["nginx-light": .present])
        #expect(second.files["/etc/app.conf"]?.content == .inline("port ${config.port} ${config.extra}\n"))
        #expect(second.files["/etc/only-here"] != nil)
        let third = spec.workload(on: "server3")
        #expect(third.services.isEmpty)
        #expect(third.health["web"]?.probe == .tcp("127.0.0.1:80"))
        #expect(third.files["/etc/app.conf"]?.ownership.mode == 0o600)
        guard case .blob(_, template: true) = third.files["/etc/app.conf"]?.content else {
            Issue.record("expected a template blob")
            return
        }
    }

    @Test func `content that is no template stays as it is, dollars and all`() throws {
        let resource = try #require(try read("good/literal-files.json").first)
        let files = try #require(resource.app?.content.files)
        guard case .inline(let text) = files["/usr/local/bin/run"]?.content else {
            Issue.record("expected inline content")
            return
        }
        let template = try Template(parsing: text)
        #expect(template.rendered { _ in nil } == "#!/bin/sh\necho ${HOME} $$ $1\n")
        let isTemplate = files.compactMapValues { file -> Bool? in
            if case .blob(_, let template) = file.content { template } else { nil }
        }
        #expect(isTemplate == ["/usr/local/bin/source": false, "/srv/logo": false, "/srv/again": false])
        #expect(resource.blobs.count == 2)
    }

    @Test func `config values are their canonical text`() throws {
        let config = try #require(try read("good/scalars.json").first?.config)
        #expect(config["int"] == "-5")
        #expect(config["big"] == "9007199254740993")
        #expect(config["float"] == "0.1")
        #expect(config["yes"] == "true")
        #expect(config["text"] == "two\nlines\tand ünïcode")
    }

    @Test func `the digest tells apart what differs, and nothing else`() throws {
        func digest(_ text: String) throws -> String {
            try #require(try ManifestReader.read([ManifestSource(name: "-", text: text)]).resources.first?.digest)
        }
        let one = try digest(
            #"{"kind":"Server","apiVersion":"ops/v1","metadata":{"name":"a"},"spec":{"address":"::1"}}"#)
        let same = try digest(
            #"{ "apiVersion": "ops/v1", "kind": "Server", "spec": {"address": "::1"}, "metadata": {"name": "\u0061"} }"#
        )
        let other = try digest(
            #"{"kind":"Server","apiVersion":"ops/v1","metadata":{"name":"a"},"spec":{"address":"::2"}}"#)
        #expect(one == same)
        #expect(one != other)
    }
}
