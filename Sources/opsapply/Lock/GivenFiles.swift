// The files that we were started with, which are the command's, too; what we opened ourselves is not, and not all of it is
// marked so by those who opened it for us.

internal import Glibc

struct GivenFiles: Sendable {
    /// Nobody opens more before the command starts.
    private static let numbers: Range<Int32> = 0..<256

    private let given: Set<Int32>

    /// Those that are open now.
    init() { given = Set(Self.numbers.filter { fcntl($0, F_GETFD) >= 0 }) }

    /// A command started from now on has no others.
    func keepOthersBack() {
        for number in Self.numbers where !given.contains(number) { _ = fcntl(number, F_SETFD, FD_CLOEXEC) }
    }
}
