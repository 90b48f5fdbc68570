// Signals by the names that manifests use: without `SIG`, in capitals.

internal import CLinux
internal import Glibc

enum SignalNames {
    private static let numbers: [String: Int32] = [
        "HUP": SIGHUP, "INT": SIGINT, "QUIT": SIGQUIT, "USR1": SIGUSR1, "USR2": SIGUSR2, "TERM": SIGTERM,
        "WINCH": SIGWINCH, "CONT": SIGCONT, "ALRM": SIGALRM, "IO": SIGIO, "PWR": SIGPWR,
    ]

    static func number(_ name: String) -> Int32? {
        numbers[name.hasPrefix("SIG") ? String(name.dropFirst(3)) : name]
    }
}
