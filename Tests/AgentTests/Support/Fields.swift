// Desired fields, as short as a test can have them.

import Agent
import Model

extension DesiredField {
    static func file(_ path: String, _ text: String, mode: Int = 0o644) -> DesiredField {
        let bytes = Array(text.utf8)
        let digest = Digest.sha256(bytes)
        let render = FileRender(
            digest: digest, size: bytes.count, ownership: Ownership(mode: mode), content: bytes)
        return DesiredField(
            key: FieldKey(.file, path), expectation: .startsWith("sha256:\(digest) \(FieldValue.octal(mode)) "),
            spec: .file(render))
    }

    static func directory(_ path: String, mode: Int = 0o755) -> DesiredField {
        DesiredField(
            key: FieldKey(.directory, path), expectation: .startsWith("directory \(FieldValue.octal(mode)) "),
            spec: .directory(Ownership(mode: mode)))
    }

    static func config(_ key: String, _ value: String) -> DesiredField {
        DesiredField(key: FieldKey(.config, key), expectation: .exactly(value), spec: .config(value: value))
    }

    static func service(
        _ name: String, _ command: [String], run: String = "aaaaaaaaaaaa", load: String = "000000000000",
        restartOn: [FieldKey] = [], reload: ServiceSpec.Reload? = nil, stopTimeout: Duration = .seconds(2)
    ) -> DesiredField {
        let spec = ServiceSpec(command: command, restartOn: restartOn, reload: reload, stopTimeout: stopTimeout)
        return DesiredField(
            key: FieldKey(.service, name), expectation: .exactly(FieldValue.running(run: run, load: load)),
            spec: .service(ServiceRun(spec: spec, run: run, load: load)))
    }

    static func command(
        _ name: String, _ command: [String], creates: String? = nil, unless: [String]? = nil,
        timeout: Duration = .seconds(20)
    ) -> DesiredField {
        let spec = CommandSpec(command: command, creates: creates, unless: unless, timeout: timeout)
        return DesiredField(
            key: FieldKey(.command, name), expectation: .exactly(FieldValue.done), spec: .command(spec))
    }

    static func health(
        _ name: String, _ probe: HealthSpec.Probe, every: Duration = .seconds(1), timeout: Duration = .seconds(1)
    ) -> DesiredField {
        DesiredField(
            key: FieldKey(.health, name), expectation: .exactly(FieldValue.healthy),
            spec: .health(HealthSpec(probe: probe, every: every, timeout: timeout)))
    }
}
