// Checks: their deadlines, and that the same state gives the same text.

import Agent
import CLinux
import Glibc
import Model
import Store
import Synchronization
import TestRedis
import Testing

@Suite struct HealthTests {
    private static let id = InstanceID(app: "webapp", server: "server1")
    /// Far below what a check without its deadline takes (two minutes and more), far above what a busy machine adds.
    private static let longest: Duration = .seconds(20)

    private static func look(_ probe: HealthSpec.Probe, timeout: Duration) throws -> String {
        let folder = Folder()
        let drivers = Drivers(machine: try TestMachine.make(in: folder))
        let field = DesiredField.health("check", probe, timeout: timeout)
        return drivers.observe(FieldTarget(instance: id, key: field.key, spec: field.spec), reader: drivers.reader())
    }

    @Test func `a check that is not well says the same at every look, and writes nothing more`() async throws {
        let listener = Listener()
        let stage = try await Stage()
        let check = DesiredField.health(
            "silent", .http("http://127.0.0.1:\(listener.port)/"), every: .milliseconds(50), timeout: .milliseconds(50))
        stage.desire([check])
        try await stage.withAgent { () async throws in
            #expect(
                try await stage.settle {
                    _ = listener.accept()
                    return try await stage.observed[check.key] == "unhealthy: Timeout was reached"
                })
            let revision = try await stage.store.instance(stage.id).observed?.revision
            let looks = listener.accept()
            #expect(await eventually { listener.accept() >= looks + 5 })
            #expect(try await stage.store.instance(stage.id).observed?.revision == revision)
        }
    }

    @Test func `an HTTP check ends at its deadline though nobody answers`() throws {
        let listener = Listener()
        let start = ContinuousClock.now
        let value = try Self.look(.http("http://127.0.0.1:\(listener.port)/"), timeout: .milliseconds(100))
        #expect(value == "unhealthy: Timeout was reached")
        #expect(ContinuousClock.now - start < Self.longest)
    }

    @Test func `a TCP check ends at its deadline though nobody accepts`() throws {
        let listener = Listener(backlog: 0)
        let address = "127.0.0.1:\(listener.port)"
        let start = ContinuousClock.now
        // The first waits to be accepted, which is an answer; when that place is taken there is none.
        var values: [String] = []
        for _ in 0..<4 { values.append(try Self.look(.tcp(address), timeout: .milliseconds(100))) }
        #expect(values.first == FieldValue.healthy)
        #expect(values.last == "unhealthy: \(address): no answer in time")
        #expect(ContinuousClock.now - start < Self.longest)
    }

    @Test func `a command check ends at its deadline`() throws {
        let start = ContinuousClock.now
        let value = try Self.look(.command(["sleep", "1000"]), timeout: .milliseconds(100))
        #expect(value == "unhealthy: sleep had not ended after 0.1 seconds")
        #expect(ContinuousClock.now - start < Self.longest)
    }

    @Test func `a name server that does not answer holds no check past its deadline, and only so many threads`() {
        let isHanging = Mutex(true)
        let resolver = Resolver { host, _ in
            while isHanging.withLock({ $0 }) { usleep(1000) }
            return .failed("no such name as \(host)")
        }
        for _ in 0..<Resolver.mostLookups + 2 {
            let value = TCPProbe.look("slow.example:80", timeout: .milliseconds(20), resolver: resolver)
            #expect(value == "unhealthy: slow.example: no answer from the name server in time")
        }
        #expect(
            HTTPProbe.look("http://slow.example/", timeout: .milliseconds(20), resolver: resolver)
                == "unhealthy: slow.example: no answer from the name server in time")
        #expect(resolver.threads == Resolver.mostLookups)
        // An address needs no name server.
        #expect(
            HTTPProbe.look("http://127.0.0.1:1/", timeout: .seconds(5), resolver: resolver)
                == "unhealthy: Couldn't connect to server")
        #expect(
            TCPProbe.look("127.0.0.1:1", timeout: .seconds(5), resolver: resolver)
                == "unhealthy: 127.0.0.1:1: Connection refused")
        isHanging.withLock { $0 = false }
        // Those that hung make room for others.
        var value = ""
        let end = ContinuousClock.now + Self.longest
        while !value.hasSuffix("no such name as slow.example"), ContinuousClock.now < end {
            value = TCPProbe.look("slow.example:80", timeout: .seconds(5), resolver: resolver)
        }
        #expect(value == "unhealthy: slow.example: no such name as slow.example")
    }

    @Test func `a URL asks the addresses that its host was found to have, at its port`() throws {
        let listener = Listener()
        // Only this name server knows the name.
        let resolver = Resolver { _, port in Resolver().addresses(of: "127.0.0.1", port: port, until: .now) }
        let value = HTTPProbe.look(
            "http://user@known.example:\(listener.port)/x?y", timeout: .milliseconds(500), resolver: resolver)
        #expect(value == "unhealthy: Timeout was reached")
        #expect(listener.accept() == 1)
    }

    @Test(
        arguments: [
            ("http://a.example", "a.example", "80"), ("https://a/x:1@b", "a", "443"), ("http://a:8080?x", "a", "8080"),
            ("https://u:p@[::1]:8443/", "::1", "8443"), ("http://[::1]/", "::1", "80"), ("http://[::1]#f", "::1", "80"),
        ])
    func `a URL's host and port are what libcurl takes them to be`(_ url: String, _ host: String, _ port: String) {
        let found = HTTPProbe.hostAndPort(of: url)
        #expect(found?.host == host && found?.port == port)
    }

    @Test func `a program that cannot be opened in time is given up`() async throws {
        let folder = Folder()
        let path = folder.path + "/program"
        Disk.write("#!/bin/sh\n", to: path)
        chmod(path, 0o755)
        // Who opens it waits for the end of a lease, as for a file system that does not answer.
        signal(SIGIO, SIG_IGN)
        let file = open(path, O_RDWR | O_CLOEXEC)
        let setLease: Int32 = 1024
        try #require(fcntl(file, setLease, Int32(F_WRLCK)) == 0)
        var child = redops_child()
        let forked = path.withCString { text in
            var arguments: [UnsafeMutablePointer<CChar>?] = [UnsafeMutablePointer(mutating: text), nil]
            var environment: [UnsafeMutablePointer<CChar>?] = [nil]
            return arguments.withUnsafeMutableBufferPointer { arguments in
                environment.withUnsafeMutableBufferPointer { environment in
                    var spawn = redops_spawn()
                    (spawn.errors, spawn.input, spawn.status) = (-1, -1, -1)
                    spawn.path = text
                    spawn.arguments = UnsafePointer(arguments.baseAddress)
                    spawn.environment = UnsafePointer(environment.baseAddress)
                    spawn.output = 2
                    return redops_fork(&spawn, &child)
                }
            }
        }
        try #require(forked == 0)
        let begun = try #require(ProcessTable.identity(of: child.pid))
        let start = ContinuousClock.now
        var stage: Int32 = 0
        #expect(redops_begin(&child, 100, &stage) == -ETIMEDOUT)
        #expect(ContinuousClock.now - start < Self.longest)
        // A zombie is gone as well: it is collected when there is time for it.
        #expect(await eventually { !ProcessTable.runs(begun) })
        close(file)
    }
}
