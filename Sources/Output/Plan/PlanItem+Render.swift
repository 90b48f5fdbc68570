// One instance of a plan, as people and programs see it.

package import JSON
internal import Manifests
internal import Model
internal import Reconcilers

extension PlanItem {
    /// A title, then a line for each field with its diff below it.
    package func text(_ paint: Paint) -> String {
        let name = paint(instance.description.printable, .strong)
        switch subject {
        case .waiting(let why): return "\(name)  \(paint("unknown: \(why.printable)", .warning))\n"
        case .orphaned:
            return "\(name)  \(paint("not desired, and nobody deleted it: nothing is done", .warning))\n"
        case .preview(let preview):
            return name + title(preview, paint) + "\n" + lines(preview, paint)
        }
    }

    private func title(_ preview: PlanPreview, _ paint: Paint) -> String {
        var title = isNew ? "  " + paint("new", .good) : ""
        if preview.change == .remove { title = "  " + paint("to be removed", .bad) }
        return title + (preview.held.map { "  " + paint("held: \($0.printable)", .warning) } ?? "")
    }

    private func lines(_ preview: PlanPreview, _ paint: Paint) -> String {
        let width = min(48, fieldNames(preview).map(\.columns).max() ?? 0)
        var text = ""
        for step in preview.steps {
            let (from, to) = FieldText.pair(from: step.from, to: step.to)
            let change = step.action == .run ? "run it" : "\(from) → \(to)"
            let (mark, meaning) = preview.isStale ? ("?", .note) : (step.effect.mark, step.effect.meaning)
            text += line(mark, meaning, step.field, "\(change)", width, paint)
            text += contents[step.field]?.text(paint, indent: "      ") ?? ""
        }
        for field in preview.unobserved {
            let wanted = FieldText.pair(from: nil, to: field.expectation.text).to
            text += line("?", .note, field.key, "not observed yet → \(wanted)", width, paint)
        }
        for (field, error) in preview.errors.sorted(by: { $0.key < $1.key }) {
            text += line("!", .warning, field, "cannot be observed: \(FieldText.short(error))", width, paint)
        }
        return text
    }

    private func line(
        _ mark: String, _ meaning: Paint.Meaning, _ field: FieldKey, _ change: String, _ width: Int, _ paint: Paint
    ) -> String {
        "  " + paint("\(mark) \(field.description.printable.padded(to: width))", meaning) + "  \(change)\n"
    }

    private func fieldNames(_ preview: PlanPreview) -> [String] {
        (preview.steps.map(\.field) + preview.unobserved.map(\.key) + preview.errors.keys).map(\.description.printable)
    }

    package var document: JSONValue {
        var document: JSONValue = [
            "instance": .string(instance.description), "new": .bool(isNew), "revision": .int(revision),
        ]
        switch subject {
        case .waiting(let why):
            document["change"] = "unknown"
            document["message"] = .string(why)
        case .orphaned: document["change"] = "orphaned"
        case .preview(let preview):
            document["change"] = .string(preview.change.rawValue)
            document["generation"] = .int(preview.generation)
            document["held"] = preview.held.map { .string($0) } ?? .null
            document["steps"] = .array(preview.steps.map(step))
            document["unknown"] = .array(
                preview.unobserved.map { ["field": .string($0.key.description), "to": .string($0.expectation.text)] })
            var errors: [String: JSONValue] = [:]
            for (field, error) in preview.errors { errors[field.description] = .string(error) }
            document["errors"] = .object(errors)
        }
        return document
    }

    private func step(_ step: Step) -> JSONValue {
        var document: JSONValue = [
            "field": .string(step.field.description), "action": .string(step.action.rawValue),
            "from": step.from.map { .string($0) } ?? .null, "to": .string(step.to),
        ]
        if let change = contents[step.field] {
            if let note = change.note { document["note"] = .string(note) }
            if let diff = change.diff { document["diff"] = .string(diff.lines.joined(separator: "\n")) }
        }
        return document
    }
}
