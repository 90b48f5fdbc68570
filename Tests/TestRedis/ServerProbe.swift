// Whether a redis-server answers, asked without any of the code under test: one PING over a blocking socket.

internal import Glibc

enum ServerProbe {
    private static let closeOnExec = Int32(SOCK_CLOEXEC.rawValue)
    /// The longest wait for an answer to one PING.
    private static let patience = timeval(tv_sec: 0, tv_usec: 100_000)

    static func answers(_ path: String) -> Bool {
        let file = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue) | closeOnExec, 0)
        guard file >= 0 else { return false }
        defer { close(file) }
        var limit = patience
        setsockopt(file, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
        guard connect(file, to: path) else { return false }
        let request = "PING\r\n"
        guard send(file, request, request.utf8.count, Int32(MSG_NOSIGNAL)) == request.utf8.count else {
            return false
        }
        var answer = [UInt8](repeating: 0, count: 64)
        let count = recv(file, &answer, answer.count, 0)
        return count > 0 && answer[..<count].starts(with: "+PONG".utf8)
    }

    private static func connect(_ file: Int32, to path: String) -> Bool {
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        let bytes = Array(path.utf8)
        guard bytes.count < MemoryLayout.size(ofValue: address.sun_path) else { return false }
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: bytes) }
        return withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                Glibc.connect(file, $0, socklen_t(MemoryLayout<sockaddr_un>.size)) == 0
            }
        }
    }

    /// Whether nobody listens on a TCP port of 127.0.0.1.
    static func isFree(_ port: Int) -> Bool {
        let file = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | closeOnExec, 0)
        guard file >= 0 else { return false }
        defer { close(file) }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = UInt16(port).bigEndian
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        return withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(file, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0
            }
        }
    }
}
