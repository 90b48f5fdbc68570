// Something wrong, before its place in the file is known: nearly every manifest is right, so places are looked up late.

internal import JSON

struct Finding: Hashable {
    enum Spot: Hashable {
        case value
        /// The key of the path's last element.
        case key
        /// So many bytes into the string at the path.
        case offset(Int)
        /// In a file beside the manifest.
        case source(file: String, line: Int, column: Int)
    }

    var path: [PathElement]
    var spot = Spot.value
    var message: String
    var hint: String?
}
