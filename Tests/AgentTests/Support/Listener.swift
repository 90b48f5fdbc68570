// A socket on 127.0.0.1 that accepts, or only lets wait.

import CLinux
import Glibc
import Synchronization

/// A TCP port of this machine. What connects is accepted when `accept` is called, and never answered.
final class Listener: Sendable {
    let number: Int32
    let port: Int
    private let accepted = Mutex<[Int32]>([])

    /// `backlog`: how many more than one may wait to be accepted; the kernel lets all others wait for an answer.
    init(backlog: Int32 = 16) {
        let number = socket(AF_INET, Int32(SOCK_STREAM.rawValue | SOCK_NONBLOCK.rawValue | SOCK_CLOEXEC.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        var size = socklen_t(MemoryLayout<sockaddr_in>.size)
        let (bound, told) = withUnsafeMutablePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
                (bind(number, address, size), getsockname(number, address, &size))
            }
        }
        precondition(bound == 0 && told == 0 && listen(number, backlog) == 0, "cannot listen on 127.0.0.1")
        self.number = number
        port = Int(UInt16(bigEndian: address.sin_port))
    }

    deinit {
        close(number)
        for connection in accepted.withLock({ $0 }) { close(connection) }
    }

    /// Takes who waits; how many came since the start.
    func accept() -> Int {
        accepted.withLock { accepted in
            while true {
                let connection = Glibc.accept(number, nil, nil)
                guard connection >= 0 else { return accepted.count }
                accepted.append(connection)
            }
        }
    }
}
