// What steps do to files where this process may not do everything: as another user of the file system, on this thread.

import Glibc

@_silgen_name("setfsuid") private func setFileSystemUser(_ uid: uid_t) -> Int32

/// A user that has no name and no files.
let nobody: uid_t = 65534

let isRoot = geteuid() == 0

func asNobody<Value>(_ body: () throws -> Value) rethrows -> Value {
    _ = setFileSystemUser(nobody)
    defer { _ = setFileSystemUser(0) }
    return try body()
}
