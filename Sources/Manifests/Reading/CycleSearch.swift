// Cycles in a graph of names. A depth-first search without recursion, as the graph is a stranger's.

struct CycleSearch {
    private let dependencies: (String) -> [String]
    private var done: Set<String> = []
    /// Each as the names along it, without the first one again at the end.
    private(set) var found: [[String]] = []

    init(dependencies: @escaping (String) -> [String]) {
        self.dependencies = dependencies
    }

    /// Finds the cycles that are closed by a step back, seen from a name; what was seen before is not looked at again.
    mutating func visit(from start: String) {
        guard !done.contains(start) else { return }
        var path = [(name: start, next: dependencies(start)[...])]
        var depths = [start: 0]
        while let last = path.indices.last {
            guard let name = path[last].next.popFirst() else {
                done.insert(path[last].name)
                depths[path[last].name] = nil
                path.removeLast()
                continue
            }
            if let depth = depths[name] {
                found.append(path[depth...].map(\.name))
            } else if !done.contains(name) {
                depths[name] = path.count
                path.append((name, dependencies(name)[...]))
            }
        }
    }
}
