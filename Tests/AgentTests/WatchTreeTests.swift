// Which folders are watched for which paths.

import Agent
import Testing

@Suite struct WatchTreeTests {
    private static let tree = WatchTree(
        files: ["/srv/www/index.html", "/etc/app.conf", "/top"], folders: ["/srv/www", "/srv/www/deep/er"])

    @Test func `every folder above a managed path is watched, and managed folders themselves`() {
        #expect(Set(Self.tree.folders.keys) == ["/", "/srv", "/srv/www", "/srv/www/deep", "/srv/www/deep/er", "/etc"])
        #expect(Self.tree.folders["/"]?.names == ["srv", "etc", "top"])
        #expect(Self.tree.folders["/srv/www"]?.names == ["index.html", "deep"])
    }

    @Test func `writes matter only in folders that hold managed files`() {
        let writing = Self.tree.folders.filter(\.value.holdsFiles).keys
        #expect(Set(writing) == ["/", "/etc", "/srv/www"])
    }

    @Test func `an event concerns the path and all below it, and no other`() {
        #expect(Self.tree.concerned(folder: "/etc", name: "app.conf") == ["/etc/app.conf"])
        #expect(Self.tree.concerned(folder: "/etc", name: "other.conf") == [])
        #expect(
            Self.tree.concerned(folder: "/", name: "srv") == ["/srv/www", "/srv/www/index.html", "/srv/www/deep/er"])
        #expect(Self.tree.concerned(folder: "/srv/www", name: "deep") == ["/srv/www/deep/er"])
        #expect(Self.tree.concerned(folder: "/", name: "top") == ["/top"])
    }
}
