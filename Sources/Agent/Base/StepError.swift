// What can go wrong when something is observed, made or removed on this machine. One closed enum: the executor decides
// from the case alone whether trying again can help.

internal import CLinux
internal import Glibc

package enum StepError: Error, Sendable, Hashable {
    /// It did not work now and may work later.
    case failed(String)
    /// Like `failed`, and there is no use in trying before this time has passed.
    case later(String, after: Duration)
    /// Trying again cannot help until a person or a new manifest changes something.
    case impossible(String)
    /// The attempt was given up: nothing is to be reported for it.
    case cancelled

    package var text: String {
        switch self {
        case .failed(let text), .later(let text, _), .impossible(let text): text
        case .cancelled: "given up"
        }
    }
}

/// A system call that failed, and what it was for.
package struct SystemError: Error, Sendable, Hashable, CustomStringConvertible {
    /// The error number, positive.
    package var code: Int32
    /// `cannot write /etc/motd`
    package var what: String

    package init(code: Int32, _ what: String) {
        self.code = code
        self.what = what
    }

    package var description: String { "\(what): \(Self.text(of: code))" }

    package var step: StepError { .failed(description) }

    package static func text(of code: Int32) -> String {
        var buffer = [CChar](repeating: 0, count: 128)
        _ = strerror_r(code, &buffer, buffer.count)
        let bytes = buffer.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }
        return bytes.isEmpty ? "error \(code)" : String(decoding: bytes, as: UTF8.self)
    }
}
