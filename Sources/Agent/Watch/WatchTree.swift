// Which folders to watch for a set of managed paths, and which paths an event concerns. Pure: the thread in `Watcher`
// does the system calls.
//
// Of each managed path every folder above it is watched, not only the nearest: when `/srv` is renamed, nothing happens
// inside `/srv/www`, and yet all below it is gone.

package struct WatchTree: Sendable {
    package struct Folder: Sendable, Hashable {
        /// Names in this folder that lead to managed paths.
        package var names: Set<String> = []
        /// Whether a file of it is managed, so that writes matter and not only names.
        package var holdsFiles = false
    }

    /// Managed paths.
    package let paths: Set<String>
    package let folders: [String: Folder]

    package init(files: Set<String> = [], folders managed: Set<String> = []) {
        paths = files.union(managed)
        var folders: [String: Folder] = [:]
        for path in files.union(managed) {
            var child = path
            while child != "/" {
                let parent = RootFolder.parent(of: child)
                let isNew = folders[parent, default: Folder()].names.insert(RootFolder.name(of: child)).inserted
                // What is above a known name is known as well.
                guard isNew else { break }
                child = parent
            }
            if files.contains(path) { folders[RootFolder.parent(of: path)]?.holdsFiles = true }
        }
        for path in managed where folders[path] == nil { folders[path] = Folder() }
        self.folders = folders
    }

    /// The managed paths that an event at `name` in `folder` concerns: that path itself and all below it.
    package func concerned(folder: String, name: String) -> Set<String> {
        guard folders[folder]?.names.contains(name) == true else { return [] }
        let path = folder == "/" ? "/\(name)" : "\(folder)/\(name)"
        guard folders[path] != nil else { return paths.contains(path) ? [path] : [] }
        return below(path)
    }

    /// That path and all managed ones below it.
    package func below(_ path: String) -> Set<String> {
        let start = path == "/" ? "/" : path + "/"
        return paths.filter { $0 == path || $0.hasPrefix(start) }
    }
}
