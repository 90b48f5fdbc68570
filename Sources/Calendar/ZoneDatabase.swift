// Time zones by their IANA names, from the files that the system keeps (Debian's package tzdata). They are read when asked
// for: an update of the system's files takes effect without one of ours.

internal import Glibc

public struct ZoneDatabase: Sendable, Hashable {
    /// Where Debian and most others keep them.
    public static let systemFolder = "/usr/share/zoneinfo"
    /// The longest name, in bytes.
    public static let longestName = 64
    /// How much of the list of names is read, in bytes; it has 115 KB.
    static let largestList = 1 << 20

    public let folder: String

    public init(folder: String = Self.systemFolder) {
        self.folder = folder
    }

    /// The rules of a zone, by its exact name; `UTC` is there without any file.
    public func rules(_ name: String) throws(ZoneError) -> ZoneRules {
        if name == "UTC" { return .utc }
        guard Self.isValid(name) else { throw .unknown(name, nearest: nearest(to: name)) }
        let bytes: [UInt8]
        do {
            bytes = try ZoneFile.bytes("\(folder)/\(name)", limit: ZoneRules.maximumSize)
        } catch {
            switch error {
            case .unreadable(let why): throw .unreadable(name, why)
            case .missing where !ZoneFile.isFolder(folder): throw .noDatabase(folder: folder)
            case .missing: throw .unknown(name, nearest: nearest(to: name))
            }
        }
        do { return try ZoneRules(tzif: bytes) } catch { throw .damaged(name, error) }
    }

    /// Areas and places as IANA names them, each beginning with a letter; so no path leads out of the folder. What lies beside
    /// the zones and means something else on each machine is no name.
    static func isValid(_ name: String) -> Bool {
        let parts = name.split(separator: "/", omittingEmptySubsequences: false)
        guard (1...longestName).contains(name.utf8.count), parts.count <= 3,
            !["localtime", "posixrules", "posix", "right"].contains(parts.first)
        else { return false }
        return parts.allSatisfy { part in
            part.utf8.first.map(isLetter) == true
                && part.utf8.allSatisfy { isLetter($0) || (0x30...0x39).contains($0) || "_+-".utf8.contains($0) }
        }
    }

    private static func isLetter(_ byte: UInt8) -> Bool {
        (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte | 0x20)
    }

    /// The names of all zones, as `tzdata.zi` lists them; empty where there is no such list.
    public func names() -> [String] {
        guard let bytes = try? ZoneFile.bytes("\(folder)/tzdata.zi", limit: Self.largestList) else { return [] }
        return bytes.split(separator: UInt8(ascii: "\n")).compactMap { line in
            let words = line.split(separator: UInt8(ascii: " "))
            // `Z NAME …` begins a zone, `L ZONE NAME` gives it another name.
            guard let kind = words.first, words.count >= 3 else { return nil }
            if kind.elementsEqual("Z".utf8) { return String(decoding: words[1], as: UTF8.self) }
            return kind.elementsEqual("L".utf8) ? String(decoding: words[2], as: UTF8.self) : nil
        }
    }

    private func nearest(to name: String) -> String? {
        guard name.utf8.count <= Self.longestName else { return nil }
        return NearestZone.of(name, among: names())
    }
}

public enum ZoneError: Error, Sendable, Hashable, CustomStringConvertible {
    case unknown(String, nearest: String?)
    case noDatabase(folder: String)
    case unreadable(String, String)
    case damaged(String, CalendarParseError)

    public var description: String {
        switch self {
        case .unknown(let name, let nearest):
            "expected an IANA time zone such as Europe/Berlin, found '\(Self.printable(name))'"
                + (nearest.map { "; did you mean \($0)?" } ?? "")
        case .noDatabase(let folder): "no time zones in \(folder); install the package tzdata"
        case .unreadable(let name, let why): "the time zone \(name) cannot be read: \(why)"
        case .damaged(let name, let error): "the file of the time zone \(name) is damaged \(error); reinstall tzdata"
        }
    }

    private static func printable(_ name: String) -> String {
        String(
            String.UnicodeScalarView(
                name.unicodeScalars.prefix(ZoneDatabase.longestName).map { scalar in
                    scalar.properties.generalCategory == .control || scalar.properties.generalCategory == .format
                        ? "\u{fffd}" : scalar
                }))
    }
}

enum ZoneFile {
    enum Failure: Error {
        case missing
        case unreadable(String)
    }

    /// The bytes of a regular file, of a larger one the first `limit + 1`.
    static func bytes(_ path: String, limit: Int) throws(Failure) -> [UInt8] {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY)
        guard descriptor >= 0 else { throw failure(errno) }
        defer { close(descriptor) }
        var facts = stat()
        guard fstat(descriptor, &facts) == 0 else { throw failure(errno) }
        // A folder of zones, `Europe`, is no zone.
        guard facts.st_mode & S_IFMT == S_IFREG else { throw .missing }
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 16 << 10)
        while bytes.count <= limit {
            let count = read(descriptor, &chunk, min(chunk.count, limit + 1 - bytes.count))
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { throw failure(errno) }
            guard count > 0 else { break }
            bytes += chunk[..<count]
        }
        return bytes
    }

    static func isFolder(_ path: String) -> Bool {
        var facts = stat()
        return stat(path, &facts) == 0 && facts.st_mode & S_IFMT == S_IFDIR
    }

    private static func failure(_ code: Int32) -> Failure {
        code == ENOENT || code == ENOTDIR ? .missing : .unreadable(String(cString: strerror(code)))
    }
}
