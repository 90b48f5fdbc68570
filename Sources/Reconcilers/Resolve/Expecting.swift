// What each kind of entry must be observed as.

import Model

extension Expectation {
    static func package(_ spec: PackageSpec) -> Expectation {
        switch spec {
        case .present, .version("*"): .present
        case .absent: .exactly(FieldValue.absent)
        case .version(let version) where version.hasSuffix("*"): .startsWith(String(version.dropLast()))
        case .version(let version): .exactly(version)
        }
    }

    static func directory(_ ownership: Ownership) -> Expectation {
        owned(head: "directory \(FieldValue.octal(ownership.mode))", by: ownership)
    }

    static func file(digest: String, _ ownership: Ownership) -> Expectation {
        owned(head: "sha256:\(digest) \(FieldValue.octal(ownership.mode))", by: ownership)
    }

    private static func owned(head: String, by ownership: Ownership) -> Expectation {
        switch (ownership.owner, ownership.group) {
        case (let owner?, let group?): .exactly("\(head) \(owner):\(group)")
        case (nil, nil): .startsWith(head + " ")
        case (let owner, let group): .owned(head: head, owner: owner, group: group)
        }
    }

    static let commandDone = Expectation.exactly(FieldValue.done)
    static let healthy = Expectation.exactly(FieldValue.healthy)
}
