import Model
import Testing

@Suite("Template")
struct TemplateTests {
    private func rendered(_ text: String) throws -> String? {
        try Template(parsing: text).rendered { variable in
            switch variable {
            case .config(let name): name == "port" ? "8080" : nil
            case .server(.name): "server1"
            case .server(.address): "127.0.0.1"
            case .server(.root): nil
            case .appName: "webapp"
            case .run: nil
            }
        }
    }

    @Test(
        arguments: [
            ("", ""), ("plain", "plain"), ("${config.port}", "8080"), ("a${server.name}b", "aserver1b"),
            ("http://${server.address}:${config.port}/${app.name}", "http://127.0.0.1:8080/webapp"),
            ("$$", "$"), ("$${config.port}", "${config.port}"), ("$$$${x", "$${x"), ("$", "$"), ("a$b", "a$b"),
            ("$uri $host", "$uri $host"), ("100 %", "100 %"), ("é${server.name}漢", "éserver1漢"), ("}{", "}{"),
        ])
    func `a hole is filled, two dollars are one, any other dollar is itself`(_ text: String, _ expected: String) throws
    {
        #expect(try rendered(text) == expected)
    }

    @Test func `a value that is not known gives nothing`() throws {
        #expect(try rendered("${server.root}/etc") == nil)
        #expect(try rendered("${config.other}") == nil)
    }

    @Test(arguments: ["${x}", "${}", "${config.}", "${config}", "${server.nam}", "${ server.name}", "${SERVER.NAME}"])
    func `an unknown name is an error that names it`(_ text: String) {
        let name = String(text.dropFirst(2).dropLast())
        #expect(throws: Template.ParseError.unknownName(name: name, offset: 2)) { try Template(parsing: "é" + text) }
    }

    @Test(arguments: ["${", "${config.port", "${server.name"])
    func `a hole that is not closed is an error with its offset`(_ text: String) {
        #expect(throws: Template.ParseError.unclosed(offset: 3)) { try Template(parsing: "ab " + text) }
    }

    @Test func `escaping any text and rendering it gives the text again`() throws {
        for text in ["$", "$$", "${config.port}", "a$${b}$", "${", "日本$語${x}", ""] {
            let escaped = text.split(separator: "$", omittingEmptySubsequences: false).joined(separator: "$$")
            #expect(try rendered(escaped) == text)
        }
    }

    @Test func `only the server's variables depend on the server`() throws {
        #expect(try Template(parsing: "${config.a}${app.name}$$").dependsOnServer == false)
        #expect(try Template(parsing: "x${server.name}").dependsOnServer)
    }

    @Test func `every fixed name parses`() throws {
        for name in Template.fixedNames { #expect(try Template(parsing: "${\(name)}").variables.count == 1) }
    }
}
