// The folder that this agent is confined to. Every managed path is resolved by the kernel as if that folder were the
// root of the file system (openat2 with RESOLVE_IN_ROOT): neither `..` nor a symbolic link, planted before or meanwhile,
// leads out of it, and links inside of it (`/var/run` → `/run`) work as they should.
//
// The last component of a path is never followed: what is at that name is what is observed and replaced.

internal import CLinux
internal import Glibc

package final class RootFolder: Sendable {
    /// Empty for `/`, otherwise absolute without a slash at its end.
    package let prefix: String
    private let number: Int32

    /// Opens a root folder; it must exist.
    package init(_ path: String) throws(SystemError) {
        var trimmed = path
        while trimmed.hasSuffix("/") { trimmed.removeLast() }
        prefix = trimmed
        let number = Glibc.open(trimmed.isEmpty ? "/" : trimmed, redops_o_path | O_DIRECTORY | O_CLOEXEC)
        guard number >= 0 else { throw SystemError(code: errno, "cannot open the root folder \(path)") }
        self.number = number
    }

    deinit { close(number) }

    /// `/` or the folder, for people and for the monitor hash.
    package var path: String { prefix.isEmpty ? "/" : prefix }

    /// The path as the rest of the system sees it.
    package func hostPath(_ path: String) -> String { prefix + path }

    /// A path of a command or its proof, which may be written with or without the root before it.
    package func literalPath(_ path: String) -> String {
        prefix.isEmpty || path == prefix || path.hasPrefix(prefix + "/") ? path : prefix + path
    }

    /// The managed path of such a path.
    func insidePath(_ path: String) -> String {
        let inside = String(literalPath(path).dropFirst(prefix.count))
        return inside.isEmpty ? "/" : inside
    }

    /// Opens what is at a managed path, confined.
    package func open(_ path: String, _ flags: Int32, mode: UInt32 = 0) throws(SystemError) -> OpenFile {
        let result = redops_open_in_root(number, Self.relative(path), flags, mode)
        guard result >= 0 else { throw SystemError(code: -result, "cannot open \(hostPath(path))") }
        return OpenFile(owning: result)
    }

    /// Opens the folder that holds a managed path.
    package func openParent(of path: String) throws(SystemError) -> OpenFile {
        try open(Self.parent(of: path), redops_o_path | O_DIRECTORY)
    }

    private static func relative(_ path: String) -> String {
        let trimmed = path.drop { $0 == "/" }
        return trimmed.isEmpty ? "." : String(trimmed)
    }

    /// `/etc` for `/etc/motd`, `/` for `/etc`.
    package static func parent(of path: String) -> String {
        guard let slash = path.lastIndex(of: "/"), slash != path.startIndex else { return "/" }
        return String(path[..<slash])
    }

    /// `motd` for `/etc/motd`.
    package static func name(of path: String) -> String {
        guard let slash = path.lastIndex(of: "/") else { return path }
        return String(path[path.index(after: slash)...])
    }

    /// `/`, `/etc`, `/etc/nginx` for `/etc/nginx/nginx.conf`: outermost first.
    package static func ancestors(of path: String) -> [String] {
        var result: [String] = []
        var current = path
        while current != "/" {
            current = parent(of: current)
            result.append(current)
        }
        return result.reversed()
    }
}
