// One instance of a plan: what the reconciler would do, and what cannot be said.

package import JSON
internal import Manifests
package import Model
package import Reconcilers

package struct PlanItem: Sendable, Hashable {
    package enum Subject: Sendable, Hashable {
        case preview(PlanPreview)
        /// It cannot be said yet what the instance should be.
        case waiting(why: String)
        /// Nothing is desired here and nobody said that it may go: nothing is done.
        case orphaned
    }

    package var instance: InstanceID
    package var subject: Subject
    /// Nothing was reported of it before this plan.
    package var isNew: Bool
    /// The revision that the plan was made from; 0 if nothing was reported.
    package var revision: Int
    package var contents: [FieldKey: ContentChange]

    package init(
        instance: InstanceID, subject: Subject, isNew: Bool, revision: Int, contents: [FieldKey: ContentChange] = [:]
    ) {
        self.instance = instance
        self.subject = subject
        self.isNew = isNew
        self.revision = revision
        self.contents = contents
    }

    package var preview: PlanPreview? { if case .preview(let preview) = subject { preview } else { nil } }

    /// Whether there is nothing to show.
    package var isUnchanged: Bool { preview?.isSettled ?? false }

    package var counts: PlanCounts {
        var counts = PlanCounts()
        guard let preview else {
            counts.unknown = 1
            return counts
        }
        if preview.isStale {
            counts.unknown = preview.fields
            return counts
        }
        for step in preview.steps { counts.add(step.effect) }
        counts.unknown = preview.unobserved.count + preview.errors.count
        return counts
    }
}

/// `3 to create, 2 to update, 1 to remove, 0 unknown`.
package struct PlanCounts: Sendable, Hashable {
    package var create = 0
    package var update = 0
    package var remove = 0
    package var unknown = 0

    package init() {}

    package mutating func add(_ effect: StepEffect) {
        switch effect {
        case .create: create += 1
        case .update: update += 1
        case .remove: remove += 1
        }
    }

    package static func += (left: inout PlanCounts, right: PlanCounts) {
        left.create += right.create
        left.update += right.update
        left.remove += right.remove
        left.unknown += right.unknown
    }

    package var total: Int { create + update + remove + unknown }
    package var text: String { "\(create) to create, \(update) to update, \(remove) to remove, \(unknown) unknown" }

    package var document: JSONValue {
        ["create": .int(create), "update": .int(update), "remove": .int(remove), "unknown": .int(unknown)]
    }
}

/// What a step does, in the three words of a summary.
package enum StepEffect: Sendable, Hashable {
    case create, update, remove

    var mark: String {
        switch self {
        case .create: "+"
        case .update: "~"
        case .remove: "-"
        }
    }

    var meaning: Paint.Meaning {
        switch self {
        case .create: .good
        case .update: .warning
        case .remove: .bad
        }
    }
}

extension Step {
    package var effect: StepEffect {
        switch action {
        case .create, .install, .start, .run: .create
        case .set: from == nil || from == FieldValue.absent ? .create : .update
        case .update, .restart, .reload: .update
        case .remove, .uninstall, .unset, .stop: .remove
        }
    }
}
