// A scenario is a text file: what is desired, observed and under way, dashes, and what the reconciler answers.
// `REDOPS_RERECORD=1 swift test --filter Scenario` writes the answers anew: read the diff before you commit it.
//
// Before the dashes, one statement a line, `#` begins a comment:
//   instance webapp@server1            generation 3              now 100000
//   desired config <name> <value>      desired package <name> <spec>
//   desired directory <path> <mode>    desired file <path> <mode> <template>
//   desired command <name> <words>     desired service <name> [restartOn=k] [reloadOn=k] [reload=HUP] -- <words>
//   desired health <name> <url>        assignment same | none | older <n> | generation <n>
//   observed revision=4 generation=3 answers=same|other at=99000
//   field <key> = ok | running RUN/<load> | <text>
//   gate stale | suspended[ until=n] <why> | dependency <what> | budget
//   gate brake <removing> <of>         job <id>              round <n> ended=<ms> generation=<g> <error>
//   drift <key> since=<ms>             met same | older      removal deleted | moved        removing

import Glibc
import Model
import Reconcilers

struct ScenarioProblem: Error, CustomStringConvertible {
    var description: String
}

enum ScenarioFile {
    static let folder: String = {
        let file = #filePath
        return file[..<(file.lastIndex(of: "/") ?? file.endIndex)] + "/Scenarios"
    }()

    static var shouldRecord: Bool { getenv("REDOPS_RERECORD") != nil }

    static func names() -> [String] {
        guard let directory = opendir(folder) else { return [] }
        defer { closedir(directory) }
        var result: [String] = []
        while let entry = readdir(directory) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) { pointer in
                pointer.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if name.hasSuffix(".txt") { result.append(name) }
        }
        return result.sorted()
    }

    static func read(_ name: String) throws -> String {
        guard let file = fopen("\(folder)/\(name)", "r") else {
            throw ScenarioProblem(description: "cannot read \(name)")
        }
        defer { fclose(file) }
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 65_536)
        while true {
            let count = fread(&buffer, 1, buffer.count, file)
            if count == 0 { break }
            bytes.append(contentsOf: buffer[..<count])
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    static func write(_ name: String, _ text: String) throws {
        guard let file = fopen("\(folder)/\(name)", "w") else {
            throw ScenarioProblem(description: "cannot write \(name)")
        }
        defer { fclose(file) }
        let bytes = Array(text.utf8)
        fwrite(bytes, 1, bytes.count, file)
    }
}
