// What there is to tell about one Schedule at some moment: gathered once, so that every listing says the same.

package import Calendar
package import JSON
internal import Manifests
package import Model

package struct ScheduleFacts: Sendable, Hashable {
    package let spec: ScheduleSpec
    /// nil: no controller has looked at it yet.
    package let state: ScheduleState?
    /// The next times, if it has times and is not suspended for good.
    package let next: [String]
    private let suspension: Suspension?
    private let zoneProblem: String?

    package init(_ spec: ScheduleSpec, state: ScheduleState?, now: Timestamp, zones: ZoneDatabase = ZoneDatabase()) {
        self.spec = spec
        self.state = state
        suspension = spec.suspend.flatMap { $0.isInForce(at: now) ? $0 : nil }
        guard case .time(let trigger) = spec.trigger else {
            (next, zoneProblem) = ([], nil)
            return
        }
        do throws(ZoneError) {
            let start = suspension.map(\.until) ?? now
            let forecast = try ScheduleForecast(trigger, after: start ?? now, zones: zones)
            (next, zoneProblem) = (start == nil ? [] : forecast.texts, nil)
        } catch {
            (next, zoneProblem) = ([], "\(error)")
        }
    }

    package var when: String {
        switch spec.trigger {
        case .time(let trigger): trigger.cron
        case .condition(let condition): condition.words
        case .demand: "on demand"
        }
    }

    package var zone: String? {
        if case .time(let trigger) = spec.trigger { trigger.timeZone } else { nil }
    }

    /// A word, what it means, and why.
    var stateWord: (text: String, meaning: Paint.Meaning, message: String) {
        if let zoneProblem { return ("BadZone", .bad, zoneProblem) }
        if let suspension {
            let end = suspension.until.map { " until \($0.rfc3339)" } ?? ""
            return ("Suspended", .warning, suspension.reason + end)
        }
        if let why = state?.unwatched { return ("Unwatched", .bad, why) }
        if let why = state?.leftOut { return ("LeftOut", .warning, why) }
        return ("Ready", .good, "")
    }

    /// What `validate` says: when it comes, which says more than the words of the manifest.
    package func text(of key: ResourceKey) -> String {
        let head = [key.description, when, zone ?? ""].filter { !$0.isEmpty }.map(\.printable)
        let word = stateWord
        let why =
            word.text == "Ready" ? [] : [word.message.isEmpty ? word.text : "\(word.text): \(word.message)".printable]
        return head.joined(separator: "  ") + "\n" + (why + next).map { "  \($0)\n" }.joined()
    }

    package var forecast: JSONValue {
        [
            "when": .string(when), "timeZone": zone.map { .string($0) } ?? .null,
            "next": .array(next.map { .string($0) }),
        ]
    }

    package var document: JSONValue {
        var document = forecast
        document["state"] = .string(stateWord.text)
        document["message"] = .string(stateWord.message)
        document["progress"] = state?.json ?? .null
        return document
    }
}

extension ConditionTrigger {
    /// `disk > 85 for 5m`.
    var words: String {
        let text =
            switch limit {
            case .above(let limit): "\(metric) > \(Self.number(limit))"
            case .below(let limit): "\(metric) < \(Self.number(limit))"
            }
        return lasting == .zero ? text : "\(text) for \(DurationText.text(lasting))"
    }

    private static func number(_ value: Double) -> String {
        Int(exactly: value).map { "\($0)" } ?? "\(value)"
    }
}
