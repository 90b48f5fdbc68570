// `leader`: who leads, since when, and how many writes of former leaders were refused.

package import JSON
internal import Model
package import Store

package enum LeaderListing {
    package static func text(_ view: LeaseView?, refusedWrites: Int, _ paint: Paint) -> String {
        guard let view else {
            return paint("There is no leader, and there never was one.", .warning) + "\n"
        }
        let state =
            view.isHeld
            ? Cell("leads, lease ends in \((view.expiresAt - view.now).age)", .good)
            : Cell("lease ended \((view.now - view.expiresAt).age) ago: nobody leads", .bad)
        return Facts(cells: [
            ("Holder", Cell(view.lease.holder)), ("State", state), ("Epoch", Cell("\(view.lease.epoch)")),
            ("Since", Cell("\(view.acquiredAt.rfc3339) (\((view.now - view.acquiredAt).age) ago)")),
            ("Refused writes", Cell("\(refusedWrites)")),
        ]).text(paint)
    }

    package static func document(_ view: LeaseView?, refusedWrites: Int) -> JSONValue {
        var document: JSONValue = ["held": .bool(view?.isHeld ?? false), "refusedWrites": .int(refusedWrites)]
        guard let view else { return document }
        document["holder"] = .string(view.lease.holder)
        document["epoch"] = .int(Int(view.lease.epoch))
        document["acquiredAt"] = .string(view.acquiredAt.rfc3339)
        document["expiresAt"] = .string(view.expiresAt.rfc3339)
        document["now"] = .string(view.now.rfc3339)
        return document
    }
}
