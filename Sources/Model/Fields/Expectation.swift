// When an observed value meets what is desired.

/// What an observed value must be.
public enum Expectation: Sendable, Hashable {
    case exactly(String)
    /// `1.22*` and file or directory values without a wanted owner: this text, then anything.
    case startsWith(String)
    /// Anything but absent or an error: a package that is `present`.
    case present
    /// `<head> <owner>:<group>` where one of owner and group is of no interest.
    case owned(head: String, owner: String?, group: String?)

    /// Compares bytes: two spellings of one letter (Swift's `==`) are two different contents on a server.
    public func isMet(by observed: String) -> Bool {
        switch self {
        case .exactly(let text): observed.utf8.elementsEqual(text.utf8)
        case .startsWith(let prefix): observed.utf8.starts(with: prefix.utf8) && !FieldValue.isError(observed)
        case .present: observed != FieldValue.absent && !FieldValue.isError(observed)
        case .owned(let head, let owner, let group): Self.matches(observed, head: head, owner: owner, group: group)
        }
    }

    private static func matches(_ observed: String, head: String, owner: String?, group: String?) -> Bool {
        guard observed.utf8.starts(with: (head + " ").utf8) else { return false }
        let rest = observed.utf8.dropFirst(head.utf8.count + 1)
        guard let colon = rest.firstIndex(of: UInt8(ascii: ":")) else { return false }
        return (owner.map { rest[..<colon].elementsEqual($0.utf8) } ?? true)
            && (group.map { rest[rest.index(after: colon)...].elementsEqual($0.utf8) } ?? true)
    }

    /// Whether no observed value could meet both.
    public func excludes(_ other: Expectation) -> Bool {
        switch (self, other) {
        case (.exactly(let text), _): !other.isMet(by: text)
        case (_, .exactly(let text)): !isMet(by: text)
        case (.owned(let head, let owner, let group), .owned(let otherHead, let otherOwner, let otherGroup)):
            !head.utf8.elementsEqual(otherHead.utf8) || Self.differ(owner, otherOwner) || Self.differ(group, otherGroup)
        default:
            !beginning.utf8.starts(with: other.beginning.utf8) && !other.beginning.utf8.starts(with: beginning.utf8)
        }
    }

    /// What every value that meets it begins with.
    private var beginning: String {
        switch self {
        case .exactly(let text): text
        case .startsWith(let prefix): prefix
        case .present: ""
        case .owned(let head, _, _): head + " "
        }
    }

    private static func differ(_ left: String?, _ right: String?) -> Bool {
        guard let left, let right else { return false }
        return !left.utf8.elementsEqual(right.utf8)
    }

    /// As people read it: in plans and drift reports.
    public var text: String {
        switch self {
        case .exactly(let text): text
        case .startsWith(let prefix): prefix.hasSuffix(" ") ? String(prefix.dropLast()) : prefix + "*"
        case .present: "present"
        case .owned(let head, let owner, let group): "\(head) \(owner ?? "*"):\(group ?? "*")"
        }
    }
}
