// A package: installed, in a version, or not. What installs it is behind `PackageManager`, so that dnf or apk can stand
// beside apt.

internal import Model

/// A system's package tool.
protocol PackageManager: Sendable {
    /// The installed version; nil if it is not installed.
    func installedVersion(_ name: String) throws(StepError) -> String?
    /// Runs the body while no other agent on this machine installs or removes anything.
    func exclusively(_ context: StepContext, _ body: () throws(StepError) -> Void) throws(StepError)
    /// `version` may end with `*`. No service may be started by it.
    func install(_ name: String, version: String?, _ context: StepContext) throws(StepError)
    /// The newest versions of these packages, as far as they are installed.
    func upgrade(_ names: [String], _ context: StepContext) throws(StepError)
    /// Other packages that `uninstall` would remove as well.
    func goesWith(_ name: String, _ context: StepContext) throws(StepError) -> [String]
    func uninstall(_ name: String, _ context: StepContext) throws(StepError)
}

struct PackageDriver: Driver {
    let machine: Machine
    let manager: any PackageManager

    /// How long a package tool may take.
    static let patience: Duration = .seconds(900)
    /// How many packages a message names.
    private static let mostNamed = 10

    func observe(_ target: FieldTarget, reader: PathReader) throws(StepError) -> String {
        try manager.installedVersion(target.key.name) ?? FieldValue.absent
    }

    func apply(_ target: FieldTarget, _ context: StepContext) throws(StepError) {
        guard case .package(let spec)? = target.spec else { throw target.mismatch() }
        let name = target.key.name
        guard Self.isPlain(name) else { throw .impossible("\(name) is no name of a package") }
        // What an earlier life began is also tidied up, where it did its work, and whenever that ended.
        if context.leftover == nil, Self.isMet(spec, by: try manager.installedVersion(name)) { return }
        try manager.exclusively(context) { () throws(StepError) in
            let installed = try manager.installedVersion(name)
            if Self.isMet(spec, by: installed) { return }
            if installed != nil { return try change(name, spec, context) }
            try machine.making(target, as: .step) { () throws(StepError) in
                try manager.installedVersion(name) != nil
            } by: { () throws(StepError) in
                try change(name, spec, context)
            }
        }
        let now = try manager.installedVersion(name)
        guard Self.isMet(spec, by: now) else {
            throw .failed("the package tool ended well, and \(name) is \(now ?? FieldValue.absent)")
        }
    }

    private func change(_ name: String, _ spec: PackageSpec, _ context: StepContext) throws(StepError) {
        switch spec {
        case .present: try manager.install(name, version: nil, context)
        case .version(let version): try manager.install(name, version: version, context)
        case .absent: try makeAbsent(name, context)
        }
    }

    func remove(_ target: FieldTarget, _ context: StepContext) throws(StepError) {
        let name = target.key.name
        guard machine.made(target) == .step else {
            return context.note("kept package \(name): this agent did not install it")
        }
        guard Self.isPlain(name) else { throw .impossible("\(name) is no name of a package") }
        // Also where nothing is removed: what the install left behind is tidied up.
        try manager.exclusively(context) { () throws(StepError) in
            if machine.sharesPackages {
                return context.note("kept package \(name): \(machine.root.path) shares the packages of its host")
            }
            guard try manager.installedVersion(name) != nil else { return }
            if let others = try unasked(name, context) {
                return context.note("kept package \(name): \(others) would go with it")
            }
            try manager.uninstall(name, context)
        }
        try machine.ledger.append([.unmade(target.instance, target.key)])
    }

    private func makeAbsent(_ name: String, _ context: StepContext) throws(StepError) {
        if machine.sharesPackages {
            throw .impossible("\(machine.root.path) shares the packages of its host: only there can one be removed")
        }
        if let others = try unasked(name, context) {
            throw .impossible("\(others) would be removed with \(name): ask for these to be absent too, or keep it")
        }
        try manager.uninstall(name, context)
    }

    /// What would go with a package though nobody asked for that; nil if nothing would.
    private func unasked(_ name: String, _ context: StepContext) throws(StepError) -> String? {
        let others = try manager.goesWith(name, context).filter { !context.packagesToGo.contains($0) }
        return others.isEmpty ? nil : others.prefix(Self.mostNamed).joined(separator: ", ")
    }

    private static func isMet(_ spec: PackageSpec, by installed: String?) -> Bool {
        switch spec {
        case .present: installed != nil
        case .absent: installed == nil
        case .version(let version):
            if version.hasSuffix("*") {
                installed?.hasPrefix(version.dropLast()) ?? false
            } else {
                installed == version
            }
        }
    }

    /// No option and no other package can hide in a name (Debian policy 5.6.7, with an architecture), nor the minus with
    /// which apt-get removes what it is asked to install.
    static func isPlain(_ name: String) -> Bool {
        guard let first = name.utf8.first, first.isLetterOrDigit, !name.hasSuffix("-") else { return false }
        return name.utf8.allSatisfy { $0.isLetterOrDigit || "+-.:_".utf8.contains($0) }
    }
}

extension UInt8 {
    fileprivate var isLetterOrDigit: Bool {
        switch self {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"):
            true
        default: false
        }
    }
}
