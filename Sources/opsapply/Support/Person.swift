// Who applies: user and host, for the record that the store keeps.

internal import Glibc

enum Person {
    /// `ann@workstation`; under sudo the one who called it.
    static var current: String {
        let name = Console.environment("SUDO_USER") ?? passwordName ?? Console.environment("USER") ?? "uid \(getuid())"
        return "\(name)@\(host)"
    }

    private static var passwordName: String? {
        guard let entry = getpwuid(getuid()), let name = entry.pointee.pw_name else { return nil }
        return String(cString: name)
    }

    static var host: String {
        var buffer = [CChar](repeating: 0, count: 256)
        guard gethostname(&buffer, buffer.count - 1) == 0 else { return "unknown" }
        return String(decoding: buffer.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }
}
