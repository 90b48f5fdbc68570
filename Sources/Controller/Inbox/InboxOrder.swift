// What an item of the inbox asks for. Anybody may have pushed anything: what is none is answered with one line.

import JSON
import Manifests
import Model
import Store

/// Why an item leads to no job, for people.
struct InboxProblem: Error, CustomStringConvertible {
    let description: String

    init(_ description: String) { self.description = description }
}

enum InboxOrder {
    case job(InboxRequest)
    case action(app: String, name: String)
    /// What a Schedule runs.
    case schedule(String)

    /// The longest name of a template: an App's, a slash and an action's.
    private static let longestName = 2 * ResourceName.maximumLength + 1
    /// How much of what is none is shown.
    private static let shown = 40

    init(_ text: [UInt8]) throws(InboxProblem) {
        let isSpace: (UInt8) -> Bool = { $0 == 0x20 || (0x09...0x0D).contains($0) }
        let trimmed = text.drop(while: isSpace)
        guard let first = trimmed.first else { throw InboxProblem("expected \(Self.expected), found nothing") }
        if first == UInt8(ascii: "{") {
            do throws(RunRequestError) { self = .job(try RunRequestReader.inbox(text)) } catch {
                throw InboxProblem(error.description)
            }
            return
        }
        let end = trimmed.lastIndex { !isSpace($0) } ?? trimmed.startIndex
        let name = trimmed[...end]
        guard name.count <= Self.longestName, let order = Self(name: String(decoding: name, as: UTF8.self)) else {
            throw InboxProblem("expected \(Self.expected), found \(Self.shown(name))")
        }
        self = order
    }

    /// `shop/backup`, `nightly-backup` or `schedule/nightly-backup`.
    private init?(name: String) {
        let parts = name.split(separator: "/", omittingEmptySubsequences: false).map(String.init)
        guard (1...2).contains(parts.count), parts.dropFirst().allSatisfy({ ResourceName.isValid($0) }) else {
            return nil
        }
        if parts.count == 2, parts[0].lowercased() == "schedule" {
            self = .schedule(parts[1])
        } else if ResourceName.isValid(parts[0]) {
            self = parts.count == 1 ? .schedule(parts[0]) : .action(app: parts[0], name: parts[1])
        } else {
            return nil
        }
    }

    /// The id that an item names, also where the rest of it is no job: whoever pushed it looks there.
    static func id(in text: [UInt8]) -> String? {
        guard let id = (try? JSONValue.parse(text))?["id"]?.string, RunBounds.isValid(id: id),
            !InboxItem.isGiven(id: id)
        else { return nil }
        return id
    }

    private static let expected =
        "a JSON object, an App's action such as shop/backup, or the name of a Schedule"

    private static func shown(_ bytes: ArraySlice<UInt8>) -> String {
        let text = String(decoding: bytes.prefix(shown), as: UTF8.self).debugDescription
        return bytes.count > shown ? "\(text)… of \(bytes.count) bytes" : text
    }
}
