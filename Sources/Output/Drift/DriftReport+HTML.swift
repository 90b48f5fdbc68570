// The report as one self-contained page: no script, no font, no image from anywhere; light and dark by the reader's own
// setting; readable on a phone and on paper.

internal import Model
internal import Reconcilers

extension DriftReport {
    package var html: String {
        """
        <!DOCTYPE html>
        <html lang="en">
        <head>
        <meta charset="utf-8">
        <meta name="viewport" content="width=device-width, initial-scale=1">
        <meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
        <title>Drift report: \(HTML.escaped(summary))</title>
        <style>
        \(Self.style)
        </style>
        </head>
        <body>
        <header>
        <p class="brand">RedOps</p>
        <h1>Drift report</h1>
        <p class="when"><time datetime="\(now.rfc3339)">\(readable(now))</time></p>
        </header>
        <main>
        \(verdict)
        \(tiles)
        \(proportions)
        \(sections)
        </main>
        <footer><p>Made by <code>opsapply drift</code>. What was not observed, or too long ago, is unknown, never in \
        sync.</p></footer>
        </body>
        </html>

        """
    }

    private var verdict: String {
        if drifted > 0 {
            return "<p class=\"verdict bad\">\(counted(drifted, "field")) on \(counted(driftedInstances, "instance")) "
                + "\(drifted == 1 ? "is" : "are") not as declared.</p>"
        }
        if unknown > 0 { return "<p class=\"verdict warn\">Nothing drifted that is known; \(unknown) unknown.</p>" }
        return "<p class=\"verdict good\">Everything is as declared.</p>"
    }

    private var tiles: String {
        let tiles = [
            ("Instances", "\(instances)", ""), ("Drifted fields", "\(drifted)", drifted > 0 ? "bad" : ""),
            ("Unknown", "\(unknown)", unknown > 0 ? "warn" : ""), ("In sync", "\(inSync)", "good"),
        ]
        let repaired = history.map { [("Repaired", "\($0.count)", "")] } ?? []
        return "<dl class=\"tiles\">\n"
            + (tiles + repaired).map { "<div class=\"\($2)\"><dt>\($0)</dt><dd>\($1)</dd></div>\n" }.joined() + "</dl>"
    }

    /// A bar of the three states, by their share.
    private var proportions: String {
        let total = drifted + unknown + inSync
        guard total > 0 else { return "" }
        let parts = [("bad", drifted, "drifted"), ("warn", unknown, "unknown"), ("good", inSync, "in sync")]
        let bars = parts.filter { $0.1 > 0 }.map { style, count, words in
            "<span class=\"\(style)\" style=\"flex-grow:\(count)\" title=\"\(count) \(words)\"></span>"
        }
        return "<div class=\"bar\" role=\"img\" aria-label=\"\(HTML.escaped(summary))\">\(bars.joined())</div>"
    }

    private var sections: String {
        var text = ""
        if !rows.isEmpty { text += "<h2>Not as declared</h2>\n" + current }
        if let history, let historySummary {
            text += "<h2>Repaired</h2>\n<p class=\"note\">\(HTML.escaped(historySummary))</p>\n" + repaired(history)
        }
        return text
    }

    private var current: String {
        let titles = ["Instance", "Field", "State", "Desired", "Observed", "Since", "Cause", "Seen", "Being done"]
        return table(
            titles,
            rows.map { row in
                let (desired, observed) = row.pair
                let style = row.state == .drifted ? "bad" : row.state == .unknown ? "warn" : "good"
                return [
                    text(row.instance.description), code(row.field.description),
                    "<span class=\"badge \(style)\">\(row.stateWords)</span>", code(desired, whole: row.desired),
                    code(observed, whole: row.observed ?? ""), time(row.since), text(row.cause?.words ?? "–"),
                    text(row.age.map { "\($0.age) ago" } ?? "never"), text(row.actionWords),
                ]
            })
    }

    private func repaired(_ history: [RepairedDrift]) -> String {
        guard !history.isEmpty else { return "" }
        let slowest = history.compactMap { $0.timeToRepair?.wholeMilliseconds }.max() ?? 0
        return table(
            ["Instance", "Field", "Was", "Should be", "Cause", "Onset", "Repaired after"],
            history.map { repaired in
                let record = repaired.record
                let pair = FieldText.narrowPair(from: record.observed, to: record.desired)
                let took = repaired.timeToRepair
                let share = slowest > 0 ? (took?.wholeMilliseconds ?? 0) * 100 / slowest : 0
                let meter = "<span class=\"meter\"><i style=\"width:\(share)%\"></i></span>"
                return [
                    text(repaired.instance.description), code(record.field.description),
                    code(pair.from, whole: record.observed), code(pair.to, whole: record.desired),
                    text(record.cause.words), time(record.onset), text(took?.measured ?? "–") + meter,
                ]
            })
    }

    /// Cells are HTML already; each carries its column's title for narrow screens.
    private func table(_ titles: [String], _ rows: [[String]]) -> String {
        let head = titles.map { "<th scope=\"col\">\($0)</th>" }.joined()
        let body = rows.map { row in
            "<tr>" + zip(titles, row).map { "<td data-title=\"\($0)\">\($1)</td>" }.joined() + "</tr>\n"
        }
        return "<table>\n<thead><tr>\(head)</tr></thead>\n<tbody>\n\(body.joined())</tbody>\n</table>\n"
    }

    private func text(_ value: String) -> String { HTML.escaped(value) }

    private func code(_ value: String, whole: String? = nil) -> String {
        let title = whole.map { " title=\"\(HTML.escaped($0))\"" } ?? ""
        return "<code\(title)>\(HTML.escaped(value))</code>"
    }

    private func time(_ time: Timestamp?) -> String {
        guard let time else { return "–" }
        return "<time datetime=\"\(time.rfc3339)\" title=\"\(readable(time))\">\((now - time).age) ago</time>"
    }

    /// `2026-11-21 05:54:00 UTC`.
    private func readable(_ time: Timestamp) -> String {
        let text = time.rfc3339
        return "\(text.prefix(10)) \(text.dropFirst(11).prefix(8)) UTC"
    }
}
