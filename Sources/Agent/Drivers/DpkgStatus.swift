// Which packages are installed, from dpkg's own file and without running anything. Read again only when the file changed.

internal import CLinux
internal import Glibc
internal import Synchronization

package final class DpkgStatus: Sendable {
    static let path = "/var/lib/dpkg/status"
    private static let largest = 256 << 20

    private struct Cache {
        var inode: UInt64 = 0
        var size: Int64 = -1
        var modified: timespec = timespec()
        var installed = Installed()
    }

    private let file: String
    private let cache = Mutex(Cache())

    package init(root: String) {
        file = root + Self.path
    }

    /// The installed version; nil if the package is not installed.
    package func version(of name: String) throws(StepError) -> String? {
        let result: Result<String?, SystemError> = cache.withLock { cache in
            var status = stat()
            guard stat(file, &status) == 0 else {
                return .failure(SystemError(code: errno, "cannot read \(file) (is this a Debian system?)"))
            }
            if !Self.isCurrent(cache, status) {
                guard let bytes = readSmallFile(file, limit: Self.largest) else {
                    return .failure(SystemError(code: EIO, "cannot read \(file)"))
                }
                cache = Cache(
                    inode: UInt64(status.st_ino), size: Int64(status.st_size), modified: status.st_mtim,
                    installed: Self.parse(bytes))
            }
            return .success(cache.installed.version(of: name))
        }
        do throws(SystemError) {
            return try result.get()
        } catch {
            throw error.step
        }
    }

    private static func isCurrent(_ cache: Cache, _ status: stat) -> Bool {
        cache.inode == status.st_ino && cache.size == Int64(status.st_size)
            && cache.modified.tv_sec == status.st_mtim.tv_sec && cache.modified.tv_nsec == status.st_mtim.tv_nsec
    }

    private struct Package {
        var name = ""
        var version = ""
        var architecture = ""
        var isInstalled = false
    }

    /// Versions of what is fully installed.
    package struct Installed: Sendable, Hashable {
        /// By bare name for the system's own architecture and for none, by `name:architecture` for others.
        package var versions: [String: String] = [:]
        /// What follows a bare name without making it another package, as apt understands it.
        fileprivate var ownSuffixes: [String] = []

        package func version(of name: String) -> String? {
            let own = ownSuffixes.first { name.hasSuffix($0) }
            return versions[own.map { String(name.dropLast($0.count)) } ?? name]
        }
    }

    /// The system's own architecture is dpkg's.
    package static func parse(_ bytes: [UInt8]) -> Installed {
        let packages = packages(bytes).filter { $0.isInstalled && !$0.name.isEmpty }
        let native = packages.first { $0.name == "dpkg" }?.architecture
        let own = native.map { [$0, "all"] } ?? Array(Set(packages.map(\.architecture)))
        var installed = Installed(ownSuffixes: own.filter { !$0.isEmpty }.map { ":" + $0 })
        for package in packages {
            let isOwn = package.architecture.isEmpty || own.contains(package.architecture)
            installed.versions[isOwn ? package.name : "\(package.name):\(package.architecture)"] = package.version
        }
        return installed
    }

    private static func packages(_ bytes: [UInt8]) -> [Package] {
        var packages: [Package] = []
        var package = Package()
        for line in bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false) {
            if line.isEmpty {
                packages.append(package)
                package = Package()
            } else if let value = value(of: "Package: ", in: line) {
                package.name = value
            } else if let value = value(of: "Version: ", in: line) {
                package.version = value
            } else if let value = value(of: "Architecture: ", in: line) {
                package.architecture = value
            } else if let value = value(of: "Status: ", in: line) {
                package.isInstalled = value.hasSuffix(" ok installed")
            }
        }
        return packages + [package]
    }

    private static func value(of field: StaticString, in line: ArraySlice<UInt8>) -> String? {
        let count = field.utf8CodeUnitCount
        guard line.count > count, line.first == field.utf8Start[0] else { return nil }
        let name = UnsafeBufferPointer(start: field.utf8Start, count: count)
        guard line.prefix(count).elementsEqual(name) else { return nil }
        return String(decoding: line.dropFirst(count), as: UTF8.self)
    }
}
