// The system's words for an error number.

internal import Glibc

/// `Connection refused`, `No such file or directory`, ….
func systemText(_ code: Int32) -> String {
    unsafe strerror(code).map { unsafe String(cString: $0) } ?? "error \(code)"
}
