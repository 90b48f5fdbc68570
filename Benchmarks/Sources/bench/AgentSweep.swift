// A full sweep over a thousand managed files that are as they should be: the agent's own drivers, reading every file and
// taking its digest, against `cf-agent -n` over the same files with the same content. The second figure is the sweep that
// runs each minute, in which a file that nothing touched is not read again.

import Agent
import Glibc
import Model
import TestRedis

enum AgentSweep {
    private static let files = 1000
    private static let size = 4096
    private static let rounds = 5

    static func run(_ effort: Effort) async throws -> [Figure] {
        let folder = try makeFolder()
        defer { _ = removeFolder(folder) }
        for name in ["root", "root/srv", "source", "state"] { mkdir("\(folder)/\(name)", 0o755) }
        let targets = try (0..<files).map { try target($0, folder) }
        let machine = try machine(folder)
        let (cold, warm) = try await sweeps(machine, targets)
        let other = try await cfengine(folder)
        let against = "cf-agent -n: \(text(other.median)) ms, \(text(other.median / cold.median)) × as long"
        return [
            Figure(
                measure: "agent: full sweep of \(files) files, every one read", bar: 100, measured: cold.median,
                unit: "ms",
                note: against),
            Figure(
                measure: "agent: the sweep of each minute, unchanged files not read again", bar: 100,
                measured: warm.median, unit: "ms"),
        ]
    }

    private static func target(_ index: Int, _ folder: String) throws -> FieldTarget {
        let content = [UInt8](repeating: UInt8(97 + index % 26), count: size)
        let text = String(decoding: content, as: UTF8.self)
        for base in ["root/srv", "source"] { try Programs.write("\(folder)/\(base)/file\(index)", text) }
        return FieldTarget(
            instance: InstanceID(app: "files", server: "server0"), key: FieldKey(.file, "/srv/file\(index)"),
            spec: .file(
                FileRender(
                    digest: Digest.sha256(content), size: size, ownership: Ownership(mode: 0o644), content: nil)))
    }

    private static func machine(_ folder: String) throws -> Machine {
        let root = try RootFolder("\(folder)/root")
        let state = try StateFolder("\(folder)/state")
        let names = OwnerNames()
        let ledger = try Ledger(path: "\(folder)/state/ledger")
        let supervisor = Supervisor(root: root, state: state, ledger: ledger, names: names) { _, _ in }
        return Machine(
            root: root, state: state, ledger: ledger, names: names, digests: DigestCache(), supervisor: supervisor)
    }

    private static func sweeps(_ machine: Machine, _ targets: [FieldTarget]) async throws -> (Samples, Samples) {
        let drivers = Drivers(machine: machine)
        var (cold, warm) = (Samples(), Samples())
        for _ in 0..<rounds {
            machine.digests.forgetAll()
            cold.add(try await sweep(drivers, targets))
            warm.add(try await sweep(drivers, targets))
        }
        return (cold, warm)
    }

    private static func sweep(_ drivers: Drivers, _ targets: [FieldTarget]) async throws -> Duration {
        let (duration, inSync) = await measure {
            let reader = drivers.reader()
            return targets.filter { target in
                guard case .file(let render)? = target.spec else { return false }
                return drivers.observe(target, reader: reader).hasPrefix("sha256:\(render.digest) 0644")
            }.count
        }
        guard inSync == targets.count else {
            throw Problem("only \(inSync) of \(targets.count) files are as they should be")
        }
        return duration
    }

    // MARK: whom it is measured against

    private static func cfengine(_ folder: String) async throws -> Samples {
        let policy = """
            body common control { bundlesequence => { "main" }; }
            bundle agent main {
              vars: "n" slist => expandrange("[0-\(files - 1)]", 1);
              files: "\(folder)/root/srv/file$(n)" copy_from => same("\(folder)/source/file$(n)"), perms => mode644;
            }
            body copy_from same(from) { source => "$(from)"; compare => "digest"; }
            body perms mode644 { mode => "0644"; rxdirs => "false"; }

            """
        try Programs.write("\(folder)/bench.cf", policy)
        chmod("\(folder)/bench.cf", 0o600)
        return try await Stage.with { stage in
            var samples = Samples()
            for _ in 0..<rounds {
                samples.add(try await stage.timed(["cf-agent", "-K", "-n", "-f", "\(folder)/bench.cf"]).seconds * 1000)
            }
            return samples
        }
    }
}
