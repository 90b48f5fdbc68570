// Whether something accepts connections at `host:port`.

internal import CLinux
internal import Glibc
internal import Model

enum TCPProbe {
    static func look(_ address: String, timeout: Duration) -> String {
        guard let colon = address.lastIndex(of: ":") else { return FieldValue.unhealthy("\(address) has no port") }
        var host = String(address[..<colon])
        if host.hasPrefix("["), host.hasSuffix("]") { host = String(host.dropFirst().dropLast()) }
        let port = String(address[address.index(after: colon)...])
        var hints = addrinfo()
        hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        var list: UnsafeMutablePointer<addrinfo>?
        let code = getaddrinfo(host, port, &hints, &list)
        guard code == 0, let first = list else {
            return FieldValue.unhealthy("\(host): \(String(cString: gai_strerror(code)))")
        }
        defer { freeaddrinfo(list) }
        let deadline = ContinuousClock.now + timeout
        var why = "no address"
        var next: UnsafeMutablePointer<addrinfo>? = first
        while let entry = next {
            guard let problem = connect(entry.pointee, until: deadline) else { return FieldValue.healthy }
            why = problem
            next = entry.pointee.ai_next
        }
        return FieldValue.unhealthy("\(address): \(why)")
    }

    /// nil if the connection was accepted; otherwise why it was not.
    private static func connect(_ entry: addrinfo, until deadline: ContinuousClock.Instant) -> String? {
        let flags = Int32(SOCK_STREAM.rawValue | SOCK_NONBLOCK.rawValue | SOCK_CLOEXEC.rawValue)
        let number = socket(entry.ai_family, flags, 0)
        guard number >= 0 else { return SystemError.text(of: errno) }
        defer { close(number) }
        if Glibc.connect(number, entry.ai_addr, entry.ai_addrlen) == 0 { return nil }
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
