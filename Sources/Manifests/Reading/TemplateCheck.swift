// Whether every `${…}` of a template names something that is known. `Template` stops at the first that does not; here
// all of them are wanted, each with its place.

internal import Model

struct TemplateCheck {
    /// A hole that cannot be filled, or that has no end.
    struct Fault: Hashable {
        /// Bytes from the start of the string to the `$`.
        var offset: Int
        var message: String
        var hint: String?
    }

    let configKeys: Set<String>
    let isInApp: Bool
    /// Whether the text is a file's content, which need not be a template.
    var isInFile = true
    /// Whether the text is of something that is run.
    var isInRun = false

    func faults(in text: String) -> [Fault] {
        let bytes = Array(text.utf8)
        var faults: [Fault] = []
        var index = 0
        while faults.count < ManifestLimits.errors, let dollar = bytes[index...].firstIndex(of: UInt8(ascii: "$")),
            dollar + 1 < bytes.count
        {
            index = dollar + 2
            guard bytes[dollar + 1] == UInt8(ascii: "{") else {
                if bytes[dollar + 1] != UInt8(ascii: "$") { index = dollar + 1 }
                continue
            }
            guard let close = bytes[index...].firstIndex(of: UInt8(ascii: "}")) else {
                faults.append(
                    Fault(offset: dollar, message: "expected a } after ${, found none", hint: literalHint))
                break
            }
            let name = String(decoding: bytes[index..<close], as: UTF8.self)
            if !isKnown(name) { faults.append(fault(name, at: dollar)) }
            index = close + 1
        }
        return faults
    }

    private func isKnown(_ name: String) -> Bool {
        guard let template = try? Template(parsing: "${\(name)}"), let variable = template.variables.first else {
            return false
        }
        return switch variable {
        case .config(let key): configKeys.contains(key)
        case .server: true
        case .appName: isInApp
        case .run: isInRun
        }
    }

    private func fault(_ name: String, at offset: Int) -> Fault {
        let message = "unknown template name \(Words.quoted(name))"
        if name == "app.name" {
            return Fault(offset: offset, message: message, hint: "it is known in an App only")
        }
        if !isInRun, runNames.contains(name) {
            return Fault(
                offset: offset, message: message, hint: "it is known in what is run only: actions and Schedules")
        }
        if isInRun, !isInApp, name.hasPrefix("config.") {
            return Fault(offset: offset, message: message, hint: "config is known in the actions of an App only")
        }
        let known = (isInApp ? Template.fixedNames : Template.fixedNames.filter { $0 != "app.name" })
        let candidates = known + (isInRun ? runNames : []) + configKeys.sorted().map { "config.\($0)" }
        if let nearest = NearestName.of(name, among: candidates) {
            return Fault(offset: offset, message: message, hint: "did you mean ${\(nearest)}?")
        }
        if name.hasPrefix("config.") {
            let key = Words.quoted(String(name.dropFirst("config.".count)))
            return Fault(offset: offset, message: message, hint: "give \(key) a value in config")
        }
        return Fault(offset: offset, message: message, hint: "known here: \(Words.list(candidates)); \(literalHint)")
    }

    private var runNames: [String] { Template.RunVariable.allCases.map { "run.\($0.rawValue)" } }

    private var literalHint: String {
        "write $${ for a literal ${" + (isInFile ? ", or say \"template\": false" : "")
    }
}
