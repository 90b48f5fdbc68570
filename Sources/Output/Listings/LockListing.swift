// `locks`: locks of people's scripts, held ones and those used in the last 30 days.

package import JSON
internal import Model
package import Store

package enum LockListing {
    package static func table(_ locks: [LockView]) -> Table {
        var table = Table([
            Column("LOCK"), Column("STATE"), Column("HOLDER"), Column("BEGUN", .right), Column("EXPIRES", .right),
            Column("EPOCH", .right),
        ])
        for lock in locks {
            let expires = lock.isHeld ? lock.expiresAt.map { "in \(($0 - lock.now).age)" } : nil
            table.add([
                Cell(lock.name), Cell(lock.isHeld ? "held" : "free", lock.isHeld ? .good : nil), Cell(lock.holder),
                Cell(lock.lastBegunAt.map { "\((lock.now - $0).age) ago" } ?? "-"), Cell(expires ?? "-"),
                Cell("\(lock.epoch)"),
            ])
        }
        return table
    }

    package static func document(_ locks: [LockView]) -> JSONValue {
        ["locks": .array(locks.map(document))]
    }

    private static func document(_ lock: LockView) -> JSONValue {
        var document: JSONValue = [
            "name": .string(lock.name), "held": .bool(lock.isHeld), "holder": .string(lock.holder),
            "epoch": .int(Int(lock.epoch)),
        ]
        if let begun = lock.lastBegunAt { document["lastBegunAt"] = .string(begun.rfc3339) }
        if lock.isHeld, let expires = lock.expiresAt { document["expiresAt"] = .string(expires.rfc3339) }
        return document
    }
}
