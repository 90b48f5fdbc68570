// Users and groups by name and number, remembered for a while: a sweep asks for the same few a thousand times.

internal import CLinux
internal import Glibc
internal import Synchronization

/// What a process needs to become another user.
package struct UserIdentity: Sendable, Hashable {
    var uid: uid_t
    var gid: gid_t
    var groups: [gid_t]
    var home: String
}

package final class OwnerNames: Sendable {
    private struct State {
        var users: [uid_t: String] = [:]
        var groups: [gid_t: String] = [:]
        var readAt: ContinuousClock.Instant = .now
    }

    /// How long an answer is taken as still true.
    static let lifetime: Duration = .seconds(60)
    private static let bufferSize = 16_384

    private let state = Mutex(State())

    package init() {}

    /// The user's name; its number where it has none.
    func user(_ uid: uid_t) -> String {
        if let known = state.withLock({ Self.fresh(&$0).users[uid] }) { return known }
        let name = Self.lookUpUser(uid) ?? String(uid)
        state.withLock { $0.users[uid] = name }
        return name
    }

    func group(_ gid: gid_t) -> String {
        if let known = state.withLock({ Self.fresh(&$0).groups[gid] }) { return known }
        let name = Self.lookUpGroup(gid) ?? String(gid)
        state.withLock { $0.groups[gid] = name }
        return name
    }

    private static func fresh(_ state: inout State) -> State {
        if ContinuousClock.now - state.readAt > lifetime { state = State() }
        return state
    }

    /// The number of a user that is given by name or number.
    func uid(_ name: String) throws(StepError) -> uid_t {
        if let number = uid_t(name) { return number }
        return try identity(name).uid
    }

    func gid(_ name: String) throws(StepError) -> gid_t {
        if let number = gid_t(name) { return number }
        var entry = Glibc.group()
        var found: UnsafeMutablePointer<Glibc.group>?
        var buffer = [CChar](repeating: 0, count: Self.bufferSize)
        guard getgrnam_r(name, &entry, &buffer, buffer.count, &found) == 0, found != nil else {
            throw .impossible("there is no group \(name) on this server")
        }
        return entry.gr_gid
    }

    func identity(_ name: String) throws(StepError) -> UserIdentity {
        var entry = passwd()
        var found: UnsafeMutablePointer<passwd>?
        var buffer = [CChar](repeating: 0, count: Self.bufferSize)
        guard getpwnam_r(name, &entry, &buffer, buffer.count, &found) == 0, found != nil else {
            throw .impossible("there is no user \(name) on this server")
        }
        var groups = [gid_t](repeating: 0, count: 256)
        var count = Int32(groups.count)
        guard getgrouplist(name, entry.pw_gid, &groups, &count) >= 0 else {
            throw .impossible("user \(name) is in more than \(groups.count) groups")
        }
        let home = entry.pw_dir.map { String(cString: $0) } ?? "/"
        return UserIdentity(uid: entry.pw_uid, gid: entry.pw_gid, groups: Array(groups.prefix(Int(count))), home: home)
    }

    private static func lookUpUser(_ uid: uid_t) -> String? {
        var entry = passwd()
        var found: UnsafeMutablePointer<passwd>?
        var buffer = [CChar](repeating: 0, count: bufferSize)
        guard getpwuid_r(uid, &entry, &buffer, buffer.count, &found) == 0, found != nil else { return nil }
        return entry.pw_name.map { String(cString: $0) }
    }

    private static func lookUpGroup(_ gid: gid_t) -> String? {
        var entry = Glibc.group()
        var found: UnsafeMutablePointer<Glibc.group>?
        var buffer = [CChar](repeating: 0, count: bufferSize)
        guard getgrgid_r(gid, &entry, &buffer, buffer.count, &found) == 0, found != nil else { return nil }
        return entry.gr_name.map { String(cString: $0) }
    }
}
