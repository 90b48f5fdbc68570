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

    public func isMet(by observed: String) -> Bool {
        switch self {
        case .exactly(let text): observed == text
        case .startsWith(let prefix): observed.hasPrefix(prefix)
        case .present: observed != FieldValue.absent && !FieldValue.isError(observed)
        case .owned(let head, let owner, let group): Self.matches(observed, head: head, owner: owner, group: group)
        }
    }

    private static func matches(_ observed: String, head: String, owner: String?, group: String?) -> Bool {
        guard observed.hasPrefix(head + " ") else { return false }
        let parts = observed.dropFirst(head.count + 1).split(separator: ":", maxSplits: 1)
        guard parts.count == 2 else { return false }
        return (owner.map { parts[0] == $0 } ?? true) && (group.map { parts[1] == $0 } ?? true)
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
