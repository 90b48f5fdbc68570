import JSON
import Model
import Output
import Reconcilers
import Testing

@Suite struct DriftReportTests {
    private static let now = Timestamp(milliseconds: 1_795_240_440_000)
    private static let hostile = "killed 9\u{1B}]0;x\u{7}, \"quoted\" | <script>alert('x')</script>\n=cmd()"

    private func row(_ state: DriftRow.State, observed: String? = "killed 9") -> DriftRow {
        DriftRow(
            instance: InstanceID(app: "webapp", server: "server2"), field: FieldKey(.service, "nginx"),
            desired: "running aaaaaaaaaaaa/000000000000", observed: observed, state: state,
            since: state == .drifted ? Timestamp(milliseconds: Self.now.milliseconds - 1200) : nil,
            cause: state == .drifted ? .changedOnServer : nil, age: .milliseconds(300),
            action: state == .drifted ? "pending job 41f0" : "none")
    }

    private func report(_ rows: [DriftRow], history: [RepairedDrift]? = nil) -> DriftReport {
        var report = DriftReport(now: Self.now)
        report.add(rows)
        report.history = history
        return report
    }

    private static let repaired = RepairedDrift(
        instance: InstanceID(app: "webapp", server: "server1"),
        record: DriftRecord(
            field: FieldKey(.file, "/srv/www/index.html"), desired: "sha256:" + String(repeating: "a", count: 64),
            observed: hostile, onset: Timestamp(milliseconds: now.milliseconds - 60_000), cause: .changedOnServer,
            repairedAt: Timestamp(milliseconds: now.milliseconds - 59_690)))

    @Test func `the table says desired, observed, since when, why, how fresh, and what is being done`() {
        #expect(
            report([row(.drifted), row(.inSync)]).text(.none) == """
                INSTANCE        FIELD          DESIRED  OBSERVED  SINCE  STATE
                webapp@server2  service:nginx  running  killed 9     1s  drifted
                                changed on server · seen 0.3s ago · pending job 41f0

                1 field drifted on 1 of 1 instance, 0 unknown, 1 in sync

                """)
    }

    @Test func `what is unknown is never counted as in sync`() {
        let report = report([row(.unknown, observed: nil), row(.inSync)])
        #expect(report.unknown == 1 && report.inSync == 1 && report.drifted == 0 && report.hasDifferences)
        #expect(report.text(.none).contains("unknown"))
    }

    @Test func `fields of one instance that wait for the same thing share a line`() {
        var waiting = row(.unknown, observed: nil)
        waiting.action = "waiting: the agent of server2 has not reported"
        var other = waiting
        other.field = FieldKey(.config, "port")
        #expect(
            report([waiting, other]).text(.none).contains("webapp@server2  2 fields  -        -             -  unknown")
        )
    }

    @Test func `of two files the digests are shown, or else what differs`() {
        let (a, b) = (String(repeating: "a", count: 64), String(repeating: "b", count: 64))
        #expect(
            FieldText.narrowPair(from: "sha256:\(a) 0644 root:root", to: "sha256:\(b) 0644") == (
                "sha256:aaaaaaaa", "sha256:bbbbbbbb"
            ))
        #expect(
            FieldText.narrowPair(from: "sha256:\(a) 0600 root:root", to: "sha256:\(a) 0644") == (
                "0600 root:root", "0644"
            ))
        #expect(FieldText.narrowPair(from: "absent", to: "sha256:\(a) 0644") == ("absent", "sha256:aaaaaaaa"))
    }

    @Test func `repaired drift has its time to repair`() {
        let text = report([], history: [Self.repaired]).text(.none)
        #expect(text.contains("310 ms"))
        #expect(text.contains("1 repaired, median 310 ms, slowest 310 ms"))
        #expect(report([], history: []).text(.none).contains("nothing was repaired yet"))
    }

    @Test func `no rendering lets a control character through`() {
        let report = report([row(.drifted, observed: Self.hostile)], history: [Self.repaired])
        for text in [report.text(.none), report.csv, report.markdown, report.html, report.document.pretty()] {
            let scalars = text.unicodeScalars.filter { $0.value < 0x20 && $0 != "\n" && $0 != "\r" }
            #expect(scalars.isEmpty)
        }
    }

    @Test func `a record of CSV has as many fields as the header, whatever is in them`() {
        let report = report([row(.drifted, observed: Self.hostile)], history: [Self.repaired])
        let lines = report.csv.split(separator: "\r\n", omittingEmptySubsequences: true)
        #expect(lines.count == 3)
        for line in lines { #expect(fields(of: String(line)).count == DriftRow.titles.count) }
        #expect(CSV.line(["a,b", "say \"x\"", "=1+1", ""]) == "\"a,b\",\"say \"\"x\"\"\",'=1+1,\r\n")
    }

    /// A reader of RFC 4180 records without line breaks in them.
    private func fields(of line: String) -> [String] {
        var (fields, field, quoted, previous) = ([String](), "", false, Character(" "))
        for character in line {
            if character == "\"" {
                if previous == "\"", !quoted { field.append(character) }
                quoted.toggle()
            } else if character == ",", !quoted {
                fields.append(field)
                field = ""
            } else {
                field.append(character)
            }
            previous = character
        }
        return fields + [field]
    }

    @Test func `Markdown's own marks in a value are escaped`() {
        #expect(Markdown.escaped("a|b *c* <i> `d`") == #"a\|b \*c\* &lt;i> \`d\`"#)
        let rows = report([row(.drifted, observed: "a | b")]).markdown.split(separator: "\n").filter {
            $0.hasPrefix("|")
        }
        #expect(rows.count == 3)
    }

    @Test func `the page is well-formed, and nothing of a value is markup`() {
        let page = report([row(.drifted, observed: Self.hostile), row(.unknown)], history: [Self.repaired]).html
        #expect(!page.contains("<script"))
        var open: [String] = []
        for tag in tags(of: page) {
            if tag.hasPrefix("/") {
                let last = open.popLast()
                #expect(last == String(tag.dropFirst()))
            } else if !["meta", "!DOCTYPE"].contains(tag) {
                open.append(tag)
            }
        }
        #expect(open.isEmpty)
    }

    /// The names of all tags, in order.
    private func tags(of page: String) -> [String] {
        page.split(separator: "<", omittingEmptySubsequences: false).dropFirst().compactMap { part in
            part.split(whereSeparator: { $0 == ">" || $0.isWhitespace }).first.map(String.init)
        }
    }

    @Test func `the page needs nothing from anywhere`() {
        let page = report([row(.drifted)], history: []).html
        for word in ["http://", "https://", "src=", "@import", "url("] { #expect(!page.contains(word)) }
        #expect(page.contains("prefers-color-scheme: dark"))
    }

    @Test func `the document holds drift, unknown and repaired apart`() {
        let document = report([row(.drifted), row(.unknown), row(.inSync)], history: [Self.repaired]).document
        #expect(document["drift"]?.array?.count == 1)
        #expect(document["unknown"]?.array?.count == 1)
        #expect(document["summary"]?["inSync"] == 1)
        #expect(document["repaired"]?[0]?["timeToRepairMs"] == 310)
        #expect(document["drift"]?[0]?["since"] == "2026-11-21T05:53:58.800Z")
    }
}
