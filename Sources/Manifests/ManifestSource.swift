// Where manifests come from: bytes with a name, and a way to the files that they name with `source`.

/// One manifest file.
public struct ManifestSource: Sendable {
    /// Loads a file by its path relative to the manifest's folder. The path is already known to be relative, without
    /// `..`. Need not read beyond `limit + 1` bytes.
    public typealias Loader = @Sendable (_ path: String, _ limit: Int) throws(SourceFailure) -> [UInt8]

    /// The path as it was typed; `-` for standard input.
    public var name: String
    public var text: [UInt8]
    public var load: Loader

    public init(name: String, text: [UInt8], load: @escaping Loader) {
        self.name = name
        self.text = text
        self.load = load
    }

    /// A manifest without files beside it.
    public init(name: String, text: String) {
        self.init(name: name, text: Array(text.utf8)) { (_, _) throws(SourceFailure) in
            throw .notFound
        }
    }
}

/// Why a `source` file could not be loaded.
public enum SourceFailure: Error, Sendable, Hashable {
    case notFound
    case notAFile
    /// The system's words.
    case unreadable(String)
}
