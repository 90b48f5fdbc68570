// The manifests beside the tests: `good` ones read, `bad` ones give the errors in their `.expected` files.

import Glibc
import Manifests

enum Fixtures {
    static let folder =
        String(#filePath.prefix(through: #filePath.lastIndex(of: "/") ?? #filePath.startIndex)) + "Fixtures/"

    /// With this variable set, the expected files are written anew instead of compared.
    static let isRecording = getenv("REDOPS_RECORD") != nil

    /// Sorted names without the folder.
    static func names(in subfolder: String, suffix: String = ".json") -> [String] {
        guard let directory = opendir(folder + subfolder) else { return [] }
        defer { closedir(directory) }
        var names: [String] = []
        while let entry = readdir(directory) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) {
                $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if name.hasSuffix(suffix) { names.append(name) }
        }
        return names.sorted()
    }

    static func good() -> [String] { names(in: "good").map { "good/\($0)" } }

    static func bad() -> [String] { names(in: "bad").map { "bad/\($0)" } }

    /// The fixture under its name without the folder of this machine.
    static func source(_ name: String) throws -> ManifestSource {
        let disk = try ManifestSource(file: folder + name)
        return ManifestSource(name: name, text: disk.text, load: disk.load)
    }

    static func text(_ name: String) -> String? {
        (try? ManifestSource(file: folder + name)).map { String(decoding: $0.text, as: UTF8.self) }
    }

    static func write(_ text: String, to name: String) throws {
        guard let file = fopen(folder + name, "w") else { throw SourceFailure.unreadable(name) }
        fputs(text, file)
        fclose(file)
    }
}
