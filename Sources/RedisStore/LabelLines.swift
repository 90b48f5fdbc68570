// A server's labels as its agent reads them: a first line `labels`, so that none at all is something too, then one
// `key=value` a line. No label has a line end.

enum LabelLines {
    private static let head = "labels"

    static func text(_ labels: [String: String]) -> String {
        ([head] + labels.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }).joined(separator: "\n")
    }

    static func labels(_ text: String) -> [String: String]? {
        let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
        guard lines.first.map(String.init) == head else { return nil }
        var labels: [String: String] = [:]
        for line in lines.dropFirst() {
            let sides = line.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            if sides.count == 2 { labels[String(sides[0])] = String(sides[1]) }
        }
        return labels
    }
}
