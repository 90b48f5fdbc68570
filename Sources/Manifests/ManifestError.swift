// What a person is told about a manifest that cannot be taken as it is, or that looks unintended.

/// One thing that is wrong, with its place. Everything wrong in a run is reported at once (`ManifestErrors`).
public struct ManifestError: Error, Sendable, Hashable, CustomStringConvertible {
    /// The file as it was named: of the manifest, or of a `source` file beside it.
    public var file: String
    /// Counted from 1; 0 where it is the file as a whole.
    public var line: Int
    /// Counted from 1, in Unicode scalars.
    public var column: Int
    /// Where in the manifest: `spec.files["/etc/motd"].mode`, `[2].metadata.name`; empty where there is no such place.
    public var path: String
    /// What was expected and what was found.
    public var message: String
    /// What to do about it, where that is known.
    public var hint: String?

    public init(file: String, line: Int, column: Int, path: String, message: String, hint: String? = nil) {
        self.file = file
        self.line = line
        self.column = column
        self.path = path
        self.message = message
        self.hint = hint
    }

    /// A file that cannot be read at all.
    public init(file: String, message: String, hint: String? = nil) {
        self.init(file: file, line: 0, column: 0, path: "", message: message, hint: hint)
    }

    /// `file:line:column: path: message; hint`, in one line.
    public var description: String {
        let place = (line == 0 ? "\(file): " : "\(file):\(line):\(column): ") + (path.isEmpty ? "" : "\(path): ")
        return place + message + (hint.map { "; \($0)" } ?? "")
    }
}

/// Everything that is wrong with the manifests of one run, in the order of files and lines; never empty.
public struct ManifestErrors: Error, Sendable, Hashable, CustomStringConvertible {
    public var errors: [ManifestError]

    public init(_ errors: [ManifestError]) {
        self.errors = errors
    }

    /// One line for each error.
    public var description: String { errors.map(\.description).joined(separator: "\n") }
}

/// Something valid that is probably not meant.
public struct ManifestWarning: Sendable, Hashable, CustomStringConvertible {
    public var file: String
    public var line: Int
    public var column: Int
    public var path: String
    public var message: String

    public init(file: String, line: Int, column: Int, path: String, message: String) {
        self.file = file
        self.line = line
        self.column = column
        self.path = path
        self.message = message
    }

    /// `file:line:column: warning: path: message`, in one line.
    public var description: String {
        "\(file):\(line):\(column): warning: " + (path.isEmpty ? "" : "\(path): ") + message
    }
}
