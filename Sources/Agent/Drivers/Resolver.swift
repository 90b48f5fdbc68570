// Names to addresses with a deadline of ours: getaddrinfo has none, and a name server that does not answer holds it for
// as long as it likes. A lookup that hangs is left behind on a thread of its own, and there are only so many of those.

internal import CLinux
internal import Glibc
internal import Model
internal import Synchronization

/// An address to connect to.
package struct SocketAddress: Sendable, Hashable {
    package var family: Int32
    package var bytes: [UInt8]

    package init(family: Int32, bytes: [UInt8]) {
        self.family = family
        self.bytes = bytes
    }

    /// As numbers, in brackets where it has colons; nil for one that is of no use without its interface.
    var text: String? {
        var buffer = [CChar](repeating: 0, count: Int(NI_MAXHOST))
        let code = bytes.withUnsafeBytes { bytes in
            getnameinfo(
                bytes.baseAddress?.assumingMemoryBound(to: sockaddr.self), socklen_t(bytes.count), &buffer,
                socklen_t(buffer.count), nil, 0, NI_NUMERICHOST)
        }
        let text = String(decoding: buffer.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
        guard code == 0, !text.contains("%") else { return nil }
        return text.contains(":") ? "[\(text)]" : text
    }
}

package final class Resolver: Sendable {
    /// Addresses, or why there are none.
    package enum Answer: Sendable, Hashable {
        case addresses([SocketAddress])
        case failed(String)
    }

    package typealias Lookup = @Sendable (_ host: String, _ port: String) -> Answer

    /// How many lookups may hang; beyond it no other is begun.
    package static let mostLookups = 8
    private static let noAnswer = Answer.failed("no answer from the name server in time")

    private let lookup: Lookup
    private let pool = WorkerPool(name: "resolve", maximum: Resolver.mostLookups)
    private let running = Mutex(0)

    package convenience init() {
        self.init { Self.find($0, $1, flags: 0) }
    }

    /// With another way of asking: a test's name server that hangs.
    package init(lookup: @escaping Lookup) {
        self.lookup = lookup
    }

    package var threads: Int { pool.threads }

    /// Waits on the calling thread, until the deadline at most.
    package func addresses(of host: String, port: String, until deadline: ContinuousClock.Instant) -> Answer {
        let plain = Self.find(host, port, flags: AI_NUMERICHOST)
        if case .addresses = plain { return plain }
        let mayBegin = running.withLock { running in
            guard running < Self.mostLookups else { return false }
            running += 1
            return true
        }
        guard mayBegin else { return Self.noAnswer }
        let found = Found()
        pool.submit { [self] in
            let answer = lookup(host, port)
            running.withLock { $0 -= 1 }
            found.give(answer)
        }
        return found.wait(until: deadline) ?? Self.noAnswer
    }

    private static func find(_ host: String, _ port: String, flags: Int32) -> Answer {
        var hints = addrinfo()
        hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        hints.ai_flags = flags
        var list: UnsafeMutablePointer<addrinfo>?
        let code = getaddrinfo(host, port, &hints, &list)
        guard code == 0 else { return .failed(String(cString: gai_strerror(code))) }
        defer { freeaddrinfo(list) }
        var addresses: [SocketAddress] = []
        var next = list
        while let entry = next {
            let bytes = Array(
                UnsafeRawBufferPointer(start: entry.pointee.ai_addr, count: Int(entry.pointee.ai_addrlen)))
            addresses.append(SocketAddress(family: entry.pointee.ai_family, bytes: bytes))
            next = entry.pointee.ai_next
        }
        return .addresses(addresses)
    }
}

/// What one thread waits for, with a deadline, and another finds.
private final class Found: Sendable {
    private let answer = Mutex<Resolver.Answer?>(nil)
    private let ready = eventfd(0, Int32(EFD_CLOEXEC))

    deinit { close(ready) }

    func give(_ value: Resolver.Answer) {
        answer.withLock { $0 = value }
        var one: UInt64 = 1
        _ = write(ready, &one, 8)
    }

    func wait(until deadline: ContinuousClock.Instant) -> Resolver.Answer? {
        var entry = pollfd(fd: ready, events: Int16(POLLIN), revents: 0)
        while poll(&entry, 1, Int32(clamping: max(0, (deadline - .now).wholeMilliseconds))) < 0, errno == EINTR {}
        return answer.withLock { $0 }
    }
}
