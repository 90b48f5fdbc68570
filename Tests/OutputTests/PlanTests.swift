import JSON
import Model
import Output
import Reconcilers
import Testing

@Suite struct PlanTests {
    private static let old = FileRender(
        digest: String(repeating: "a", count: 64), size: 4, ownership: Ownership(mode: 0o644),
        content: Array("one\n".utf8))
    private static let new = FileRender(
        digest: String(repeating: "b", count: 64), size: 4, ownership: Ownership(mode: 0o644),
        content: Array("two\n".utf8))
    private static let key = FieldKey(.file, "/etc/app.conf")

    private func step(from: String?, _ action: StepAction = .update) -> Step {
        Step(field: Self.key, action: action, from: from, to: "sha256:\(Self.new.digest) 0644", spec: .file(Self.new))
    }

    private func observed(_ digest: String) -> String {
        FieldValue.file(digest: digest, mode: 0o644, owner: "root", group: "root")
    }

    @Test func `what lies there is diffed by the content applied last, where the digest says that it is that`() throws {
        let change = try #require(ContentChange(step(from: observed(Self.old.digest)), lastApplied: Self.old))
        #expect(change.note == nil)
        #expect(change.diff?.lines == ["@@ -1 +1 @@", "-one", "+two"])
    }

    @Test func `content of unknown origin is told by its digests, and the diff says what it is against`() throws {
        let change = try #require(
            ContentChange(step(from: observed(String(repeating: "c", count: 64))), lastApplied: Self.old))
        let note = try #require(change.note)
        #expect(note.contains("cccccccccccc… → bbbbbbbbbbbb…") && note.hasSuffix("against what was applied last:"))
        #expect(change.diff?.lines == ["@@ -1 +1 @@", "-one", "+two"])
    }

    @Test func `a new file is all additions, and a change of mode alone is no change of content`() throws {
        let created = try #require(ContentChange(step(from: FieldValue.absent, .create), lastApplied: nil))
        #expect(created.diff?.lines == ["@@ -0,0 +1 @@", "+two"])
        #expect(ContentChange(step(from: observed(Self.new.digest)), lastApplied: Self.old) == nil)
    }

    @Test func `content that is no text is never printed`() throws {
        var binary = Self.new
        binary.content = [0, 1, 2, 0xFF]
        let step = Step(field: Self.key, action: .create, from: "absent", to: "x", spec: .file(binary))
        let change = try #require(ContentChange(step, lastApplied: nil))
        #expect(change.diff == nil && change.note?.contains("no text") == true)
    }

    private func preview(_ fields: [FieldKey: String]?, _ gates: Gates = Gates()) -> PlanPreview {
        let id = InstanceID(app: "webapp", server: "server1")
        let desired = DesiredInstance(
            id: id, generation: 2, digest: "d",
            fields: [
                DesiredField(
                    key: FieldKey(.config, "port"), expectation: .exactly("8081"), spec: .config(value: "8081")),
                DesiredField(
                    key: FieldKey(.package, "nginx"), expectation: .present, spec: .package(.present)),
                DesiredField(
                    key: FieldKey(.directory, "/srv/www"), expectation: .startsWith("directory 0755 "),
                    spec: .directory(Ownership(mode: 0o755))),
            ])
        let observed = fields.map {
            ObservedInstance(
                id: id, revision: 3, generation: 1, digest: "c", reportedAt: Timestamp(milliseconds: 0), fields: $0)
        }
        return PlanPreview(
            ReconcileInput(
                id: id, desired: desired, removal: nil, assignment: nil, observed: observed, openJob: nil, round: 0,
                roundEndedAt: nil, roundError: nil, roundGeneration: 0, drift: [:], metDigest: "", gates: gates),
            now: Timestamp(milliseconds: 0))
    }

    private func item(_ preview: PlanPreview) -> PlanItem {
        PlanItem(instance: preview.instance, subject: .preview(preview), isNew: preview.change == .create, revision: 3)
    }

    @Test func `each field is shown with what is and what would be, and counted once`() {
        var report = PlanReport()
        report.add(
            item(
                preview([
                    FieldKey(.config, "port"): "8080", FieldKey(.directory, "/srv/www"): "absent",
                ])))
        #expect(
            report.text(.none) == """
                webapp@server1
                  ~ config:port         8080 → 8081
                  + directory:/srv/www  absent → directory 0755
                  ? package:nginx       not observed yet → present

                1 to create, 1 to update, 0 to remove, 1 unknown; 1 instance differs, 0 in sync

                """)
        #expect(report.hasDifferences)
    }

    @Test func `what holds an instance back is said, and of a silent server all is unknown`() {
        let settled: [FieldKey: String] = [
            FieldKey(.config, "port"): "8081", FieldKey(.package, "nginx"): "1.22",
            FieldKey(.directory, "/srv/www"): "directory 0755 root:root",
        ]
        var report = PlanReport()
        report.add(item(preview(settled, Gates(suspension: Suspension(reason: "moving racks")))))
        #expect(!report.hasDifferences, "a suspension holds back nothing where nothing is to be done")
        var drifted = settled
        drifted[FieldKey(.config, "port")] = "8080"
        report.add(item(preview(drifted, Gates(suspension: Suspension(reason: "moving racks")))))
        report.add(item(preview(settled, Gates(serverStale: true))))
        #expect(
            report.text(.none) == """
                webapp@server1  held: suspended: moving racks
                  ~ config:port  8080 → 8081
                webapp@server1  held: server1 does not report

                0 to create, 1 to update, 0 to remove, 3 unknown; 2 instances differ (2 held), 1 in sync

                """)
        #expect(report.document["instances"]?[0]?["held"] == "suspended: moving racks")
    }

    @Test func `what does not differ is counted and not kept`() {
        var report = PlanReport()
        let settled: [FieldKey: String] = [
            FieldKey(.config, "port"): "8081", FieldKey(.package, "nginx"): "1.22",
            FieldKey(.directory, "/srv/www"): "directory 0755 root:root",
        ]
        for _ in 0..<1000 { report.add(item(preview(settled))) }
        #expect(report.items.isEmpty && report.inSync == 1000 && !report.hasDifferences)
        #expect(
            report.text(.none) == "0 to create, 0 to update, 0 to remove, 0 unknown; 0 instances differ, 1000 in sync\n"
        )
    }

    @Test func `the document of a plan is one value with stable names`() throws {
        var report = PlanReport()
        report.add(item(preview([FieldKey(.config, "port"): "8080\u{1B}[2J"])))
        let document = report.document
        #expect(document["summary"]?["update"] == 1)
        let step = try #require(document["instances"]?[0]?["steps"]?[0])
        #expect(step["field"] == "config:port" && step["action"] == "set" && step["to"] == "8081")
        #expect(report.text(.none).contains(#"8080\u{1B}[2J → 8081"#))
    }

    @Test func `two definitions of a running service are told apart in words`() {
        let restart = FieldText.pair(from: "running aaaaaaaaaaaa/000000000000", to: "running bbbbbbbbbbbb/000000000000")
        #expect(restart.from == "running, started before the change" && restart.to == "running, started after it")
        let reload = FieldText.pair(from: "running aaaaaaaaaaaa/111111111111", to: "running aaaaaaaaaaaa/222222222222")
        #expect(reload.from == "running, loaded before the change")
        #expect(FieldText.pair(from: "killed 9", to: "running aaaaaaaaaaaa/000000000000") == ("killed 9", "running"))
    }

    @Test func `a plan's basis is compared in all that it holds, and comes back from its document`() throws {
        let (one, other) = (InstanceID(app: "webapp", server: "server1"), InstanceID(app: nil, server: "server2"))
        var basis = PlanBasis()
        basis.revisions = [one: 3, other: 0]
        basis.placed = [one, other]
        basis.generations = [ResourceKey(.app, "webapp"): 1, ResourceKey(.server, "server1"): 2]
        #expect(try #require(PlanBasis(basis.document)) == basis)
        #expect(basis.differences(to: basis).isEmpty)
        var now = basis
        now.revisions[one] = 4
        now.placed = [one, InstanceID(app: "webapp", server: "server3")]
        now.generations[ResourceKey(.server, "server1")] = nil
        #expect(
            basis.differences(to: now) == [
                "Server/server1 moved since the plan was made: generation 2 then, not stored now",
                "server2 moved since the plan was made: placed then, not now",
                "webapp@server3 moved since the plan was made: not placed then, placed now",
                "webapp@server1 moved since the plan was made: observed revision 3 then, 4 now",
            ])
    }
}
