// What is watched again, and what is said of what cannot be.

import Agent
import Glibc
import Model
import TestRedis
import Testing

@Suite struct WatcherTests {
    private static func changes(_ watcher: Watcher, at path: String) async -> Bool {
        await eventually { watcher.takeChanges().paths.contains(path) }
    }

    @Test func `what could not be watched is said once, and is watched from the next sweep on`() async throws {
        let folder = Folder()
        Disk.makeFolders(folder.path + "/d")
        let said = Said()
        let watcher = try Watcher(root: try RootFolder(folder.path), log: said.log)
        Limit.openFiles(0) {
            // Three folders, and none of them can be opened.
            watcher.watch(WatchTree(files: ["/d/a"], folders: ["/d/e"]))
            let end = ContinuousClock.now + .seconds(10)
            while !watcher.takeChanges().paths.contains("/d/a"), ContinuousClock.now < end { sched_yield() }
        }
        #expect(said.count("a folder cannot be watched") == 1)
        watcher.renew()
        #expect(await Self.changes(watcher, at: "/d/a"))
        Disk.write("changed", to: folder.path + "/d/a")
        #expect(await Self.changes(watcher, at: "/d/a"))
        #expect(said.lines.count == 1)
        watcher.close()
    }

    @Test func `what is watched already is no change when it is watched again`() async throws {
        let folder = Folder()
        Disk.makeFolders(folder.path + "/d")
        Disk.makeFolders(folder.path + "/e")
        let watcher = try Watcher(root: try RootFolder(folder.path), log: quiet)
        watcher.watch(WatchTree(files: ["/d/a", "/e/b"]))
        #expect(await Self.changes(watcher, at: "/d/a"))
        watcher.renew()
        Disk.write("changed", to: folder.path + "/e/b")
        var seen: Set<String> = []
        #expect(
            await eventually {
                seen.formUnion(watcher.takeChanges().paths)
                return seen.contains("/e/b")
            })
        #expect(seen == ["/e/b"])
        watcher.close()
    }

    @Test func `the end of a process is told of though changes wait that nobody takes`() async throws {
        let folder = Folder()
        let machine = try TestMachine.make(in: folder)
        let watcher = try Watcher(root: machine.root, log: quiet)
        watcher.watch(WatchTree(files: ["/a"]))
        let key = ServiceKey(InstanceID(app: "webapp", server: "server1"), "app")
        watcher.remind(key)
        var ends = watcher.ends.makeAsyncIterator()
        await ends.next()
        #expect(watcher.takeEnded() == [key])
        #expect(watcher.takeEnded() == [])
        var changes = watcher.changes.makeAsyncIterator()
        await changes.next()
        #expect(watcher.takeChanges() == WatchedChanges(paths: ["/a"], overflow: false))
        watcher.close()
        #expect(await ends.next() == nil)
    }
}
