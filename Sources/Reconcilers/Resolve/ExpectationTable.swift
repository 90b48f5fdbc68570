// The fast "is this instance in sync?": observed hashes are compared as bytes, where they were received, against one
// table per workload variant. Where a value differs from server to server, the instance keeps 64 bits of a hash of it:
// small enough to hold for every instance of a large fleet. What is not plainly in sync takes the long way through
// `Reconciler`.

public import Model

/// What one field's bytes must be.
struct ExpectationSlot: Sendable {
    enum Rule: Sendable {
        case exactly([UInt8])
        case startsWith([UInt8])
        case present
        /// Anything that `Expectation` itself must judge: rare, and worth a `String`.
        case judged(Expectation)
        /// A hash over the whole value, at this place of the instance's hashes.
        case hashed(Int)
        /// A hash over this many of the first bytes.
        case hashedPrefix(Int, length: Int)
        /// The same, and then a space and `owner:group`, of which one is of no interest.
        case hashedOwned(Int, length: Int, owner: String?, group: String?)
    }

    let key: [UInt8]
    let rule: Rule
}

/// The shape of all instances of one variant.
final class ExpectationTable: Sendable {
    let slots: [ExpectationSlot]
    /// Which fields are hashed, as indexes of the fields, in order.
    let hashedFields: [Int]

    init(_ entries: [CompiledEntry]) {
        var hashed: [Int] = []
        slots = entries.enumerated().map { index, entry in
            let rule = Self.rule(entry, next: hashed.count)
            switch rule {
            case .hashed, .hashedPrefix, .hashedOwned: hashed.append(index)
            case .exactly, .startsWith, .present, .judged: break
            }
            return ExpectationSlot(key: Array(entry.key.description.utf8), rule: rule)
        }
        hashedFields = hashed
    }

    private static func rule(_ entry: CompiledEntry, next: Int) -> ExpectationSlot.Rule {
        switch entry {
        case .settled(let field): rule(field.expectation)
        case .command: rule(.commandDone)
        case .health: rule(.healthy)
        case .service: .hashed(next)
        case .file(_, _, let ownership): fileRule(ownership, next: next)
        }
    }

    private static func rule(_ expectation: Expectation) -> ExpectationSlot.Rule {
        switch expectation {
        case .exactly(let text): .exactly(Array(text.utf8))
        case .startsWith(let prefix): .startsWith(Array(prefix.utf8))
        case .present: .present
        case .owned: .judged(expectation)
        }
    }

    /// A file whose content is the server's own.
    private static func fileRule(_ ownership: Ownership, next: Int) -> ExpectationSlot.Rule {
        switch (ownership.owner, ownership.group) {
        case (nil, nil): .hashedPrefix(next, length: fileHeadLength + 1)
        case (_?, _?): .hashed(next)
        case (let owner, let group): .hashedOwned(next, length: fileHeadLength, owner: owner, group: group)
        }
    }

    /// Bytes of `sha256:<64 hex> 0644`.
    private static let fileHeadLength = "sha256:".utf8.count + 64 + " 0644".utf8.count
}

/// One instance's expectation: a shared table and what is this server's own.
public struct InstanceExpectation: Sendable {
    let table: ExpectationTable
    let hashes: [UInt64]
    /// `DesiredInstance.digest` as a number: the observed hash must answer it.
    public let digest: UInt64

    init(table: ExpectationTable, resolved: ResolvedFields) {
        self.table = table
        digest = Self.number(resolved.digest)
        hashes = table.hashedFields.map { Self.hash(resolved.fields[$0].expectation) }
    }

    /// A `DesiredInstance.digest` as a number; 0 for what is none.
    public static func number(_ digest: String) -> UInt64 { UInt64(digest, radix: 16) ?? 0 }

    private static func hash(_ expectation: Expectation) -> UInt64 {
        var text =
            switch expectation {
            case .exactly(let text), .startsWith(let text), .owned(let text, _, _): text
            case .present: ""
            }
        return text.withUTF8 { ByteHash.of(UnsafeRawBufferPointer($0)) }
    }

    /// Whether these fields are all that is desired and no more, well and in sync.
    public func isInSync(_ fields: [FieldKey: String]) -> Bool {
        var comparer = FieldComparer(self)
        for (key, value) in fields {
            var (key, value) = (key.description, value)
            key.withUTF8 { key in
                value.withUTF8 { comparer.take(UnsafeRawBufferPointer(key), UnsafeRawBufferPointer($0)) }
            }
        }
        return comparer.isInSync
    }
}

extension CompiledWorkload {
    func expectation(on facts: ServerFacts) -> InstanceExpectation? {
        (try? fields(on: facts)).map { InstanceExpectation(table: table, resolved: $0) }
    }
}
