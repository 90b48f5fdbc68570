// Whether something accepts connections at `host:port`.

internal import CLinux
internal import Glibc
internal import Model

package enum TCPProbe {
    package static func look(_ address: String, timeout: Duration, resolver: Resolver) -> String {
        guard let colon = address.lastIndex(of: ":") else { return FieldValue.unhealthy("\(address) has no port") }
        var host = String(address[..<colon])
        if host.hasPrefix("["), host.hasSuffix("]") { host = String(host.dropFirst().dropLast()) }
        let port = String(address[address.index(after: colon)...])
        let deadline = ContinuousClock.now + timeout
        switch resolver.addresses(of: host, port: port, until: deadline) {
        case .failed(let why): return FieldValue.unhealthy("\(host): \(why)")
        case .addresses(let addresses):
            var why = "no address"
            for candidate in addresses {
                guard let problem = connect(candidate, until: deadline) else { return FieldValue.healthy }
                why = problem
            }
            return FieldValue.unhealthy("\(address): \(why)")
        }
    }

    /// nil if the connection was accepted; otherwise why it was not.
    private static func connect(_ address: SocketAddress, until deadline: ContinuousClock.Instant) -> String? {
        let flags = Int32(SOCK_STREAM.rawValue | SOCK_NONBLOCK.rawValue | SOCK_CLOEXEC.rawValue)
        let number = socket(address.family, flags, 0)
        guard number >= 0 else { return SystemError.text(of: errno) }
        defer { close(number) }
        let begun = address.bytes.withUnsafeBytes { bytes in
            Glibc.connect(number, bytes.baseAddress?.assumingMemoryBound(to: sockaddr.self), socklen_t(bytes.count))
        }
        if begun == 0 { return nil }
        guard errno == EINPROGRESS else { return SystemError.text(of: errno) }
        var wait = pollfd(fd: number, events: Int16(POLLOUT), revents: 0)
        let left = Int32(clamping: max(0, (deadline - .now).wholeMilliseconds))
        guard poll(&wait, 1, left) > 0 else { return "no answer in time" }
        var code: Int32 = 0
        var size = socklen_t(MemoryLayout<Int32>.size)
        getsockopt(number, SOL_SOCKET, SO_ERROR, &code, &size)
        return code == 0 ? nil : SystemError.text(of: code)
    }
}
