import Redis
import Testing

@Suite struct RedisURLTests {
    @Test(arguments: [
        ("redis://127.0.0.1", RedisURL.Target.single(.tcp(host: "127.0.0.1", port: 6379)), RedisLogin()),
        ("redis://db:7000/3", .single(.tcp(host: "db", port: 7000)), RedisLogin(database: 3)),
        ("redis://db:7000/", .single(.tcp(host: "db", port: 7000)), RedisLogin()),
        ("redis://:p%40ss@db", .single(.tcp(host: "db", port: 6379)), RedisLogin(password: "p@ss")),
        ("redis://ann:x@y@db", .single(.tcp(host: "db", port: 6379)), RedisLogin(user: "ann", password: "x@y")),
        ("redis://[::1]:7000", .single(.tcp(host: "::1", port: 7000)), RedisLogin()),
        ("redis://[fe80::2]", .single(.tcp(host: "fe80::2", port: 6379)), RedisLogin()),
        ("unix:///run/a%20b.sock", .single(.unix(path: "/run/a b.sock")), RedisLogin()),
        (
            "unix://:pw@/run/redis.sock?db=2", .single(.unix(path: "/run/redis.sock")),
            RedisLogin(password: "pw", database: 2)
        ),
        (
            "redis+sentinel://a,b:7/main/1",
            .sentinel([.tcp(host: "a", port: 26379), .tcp(host: "b", port: 7)], service: "main"),
            RedisLogin(database: 1)
        ),
        ("redis+cluster://a:1,b:2", .cluster([.tcp(host: "a", port: 1), .tcp(host: "b", port: 2)]), RedisLogin()),
    ])
    func `an address is read into where, and who`(text: String, target: RedisURL.Target, login: RedisLogin) throws {
        #expect(try RedisURL(text) == RedisURL(target: target, login: login))
    }

    @Test(arguments: [
        ("", "no ://"),
        ("localhost:6379", "no ://"),
        ("http://a", "unknown scheme http://"),
        ("rediss://a", "stunnel"),
        ("redis://", "expected a host"),
        ("redis://a,b", "one host, found 2"),
        ("redis://a:0", "1 to 65535, found 0"),
        ("redis://a:", "found nothing"),
        ("redis://:7000", "expected a host before the port"),
        ("redis://a/x", "number from 0, found x"),
        ("redis://a/1/2", "database number only"),
        ("redis://a?db=1", "belongs to unix://"),
        ("redis://me@a", "no colon"),
        ("redis://me:%zz@a", "in the password, %"),
        ("redis://[::1", "1 to 65535"),
        ("unix://run/redis.sock", "absolute path"),
        ("unix:///", "absolute path"),
        ("unix:///a?database=1", "only db=NUMBER"),
        ("unix:///" + String(repeating: "x", count: 200), "at most 107 bytes"),
        ("redis+sentinel://a", "service's name"),
        ("redis+cluster://a/1", "database 0 only"),
    ])
    func `a bad address is refused in one line that says what was expected`(text: String, reason: String) {
        let error = #expect(throws: RedisError.self) { try RedisURL(text) }
        let line = error.map(String.init(describing:)) ?? ""
        #expect(line.contains(reason) && !line.contains("\n"), "\(line)")
    }

    @Test func `no description and no error shows a password`() throws {
        for text in [
            "redis://ann:hunter2@db/1", "unix://:hunter2@/a", "redis+cluster://a:hunter2@h",
            "redis+sentinel://a:hunter2@h/s",
        ] {
            #expect(!"\(try RedisURL(text)) \(try RedisURL(text).login)".contains("hunter2"))
        }
        for text in [
            "redis://ann:hunter2%@db", "redis://ann:hunter2@db:x", "http://ann:hunter2@db", "ann:hunter2@db",
            "redis://:hunter2/x@db", "redis://:x/hunter2@db", "redis://ann:x@y/hunter2@db", "redis://:x?hunter2@db",
            "redis://:hunter2,x/y@db", "redis://x:hunter2/y@db", "redis://[hunter2/x@db", "hunter2://ann@db",
            "redis:ann:hunter2://x@db", "redis+sentinel://:x/hunter2/y@db/s", "redis+cluster://:x/hunter2@db",
            "unix://:x?db=hunter2@/a", "unix://:x?hunter2@/a", "unix://:hunter2/x@/a",
        ] {
            let error = #expect(throws: RedisError.self) { try RedisURL(text) }
            #expect(!"\(String(describing: error))".contains("hunter2"))
        }
        #expect(try RedisURL("redis://ann:hunter2@db/1").description == "redis://ann:***@db:6379/1")
    }
}
