// The text of a URL after its scheme, cut into parts and percent-decoded.

struct URLParts {
    var user: String?
    var password: String?
    var hosts: [String] = []
    var path: [String] = []
    var query: [String: String] = [:]

    init(_ rest: String) throws(RedisError) {
        var rest = rest[...]
        let end = rest.firstIndex { $0 == "/" || $0 == "?" } ?? rest.endIndex
        try Self.refuseSecretBeyond(rest[..<end], rest[end...])
        if let mark = rest.firstIndex(of: "?") {
            query = try Self.query(rest[rest.index(after: mark)...])
            rest = rest[..<mark]
        }
        // A password may hold a slash only if it is escaped: what comes before the first one is the authority.
        let authorityEnd = rest.firstIndex(of: "/") ?? rest.endIndex
        var authority = rest[..<authorityEnd]
        if let at = authority.lastIndex(of: "@") {
            try readUser(authority[..<at])
            authority = authority[authority.index(after: at)...]
        }
        hosts = authority.split(separator: ",").map(String.init)
        for part in rest[authorityEnd...].split(separator: "/") { path.append(try Self.decode(part, "path")) }
    }

    /// A password with an unescaped `/` or `?` ends in what looks like a host, a path or a query, whose errors would show
    /// it. A socket's path may have an `@` of its own.
    private static func refuseSecretBeyond(_ authority: Substring, _ rest: Substring) throws(RedisError) {
        guard rest.contains("@"), !authority.isEmpty, !authority.hasSuffix("@") else { return }
        throw .badURL("found an @ after a / or a ?: in a user or a password write / as %2F and ? as %3F")
    }

    private mutating func readUser(_ text: Substring) throws(RedisError) {
        guard let colon = text.firstIndex(of: ":") else {
            throw .badURL("expected user:password@ or :password@ before the host, found no colon there")
        }
        let name = try Self.decode(text[..<colon], "user")
        user = name.isEmpty ? nil : name
        password = try Self.decode(text[text.index(after: colon)...], "password")
    }

    private static func query(_ text: Substring) throws(RedisError) -> [String: String] {
        var query: [String: String] = [:]
        for pair in text.split(separator: "&") {
            let sides = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            guard sides.count == 2, sides[0] == "db" else {
                throw .badURL("after ? only db=NUMBER is known")
            }
            query["db"] = String(sides[1])
        }
        return query
    }

    /// The hosts with their ports; at least one.
    func endpoints(defaultPort: Int) throws(RedisError) -> [RedisEndpoint] {
        guard query.isEmpty else { throw .badURL("?db= belongs to unix:// only; elsewhere write /NUMBER at the end") }
        guard !hosts.isEmpty else { throw .badURL("expected a host after ://") }
        var endpoints: [RedisEndpoint] = []
        for host in hosts { endpoints.append(try Self.endpoint(host, defaultPort: defaultPort)) }
        return endpoints
    }

    private static func endpoint(_ text: String, defaultPort: Int) throws(RedisError) -> RedisEndpoint {
        var host = text[...]
        var port: Substring?
        if text.hasPrefix("["), let close = text.firstIndex(of: "]") {
            host = text[text.index(after: text.startIndex)..<close]
            let after = text[text.index(after: close)...]
            guard after.isEmpty || after.hasPrefix(":") else { throw .badURL("expected [address]:port, found \(text)") }
            port = after.isEmpty ? nil : after.dropFirst()
        } else if let colon = text.firstIndex(of: ":") {
            host = text[..<colon]
            port = text[text.index(after: colon)...]
        }
        guard !host.isEmpty else { throw .badURL("expected a host before the port, found \(text)") }
        guard let port else { return .tcp(host: String(host), port: defaultPort) }
        guard let number = Int(port), (1...65_535).contains(number) else {
            throw .badURL("the port must be 1 to 65535, found \(port.isEmpty ? "nothing" : String(port))")
        }
        return .tcp(host: String(host), port: number)
    }

    func login(database: String?) throws(RedisError) -> RedisLogin {
        guard let database else { return RedisLogin(user: user, password: password) }
        guard let number = Int(database), (0...RedisURL.maximumDatabase).contains(number) else {
            throw .badURL("the database must be a number from 0, found \(database)")
        }
        return RedisLogin(user: user, password: password, database: number)
    }

    /// Replaces `%41` by its byte. The error names the part and never its text, which may be a secret.
    private static func decode(_ text: Substring, _ part: String) throws(RedisError) -> String {
        var bytes: [UInt8] = []
        var rest = text.utf8[...]
        while let byte = rest.popFirst() {
            guard byte == UInt8(ascii: "%") else {
                bytes.append(byte)
                continue
            }
            guard let high = rest.popFirst().flatMap(hexValue), let low = rest.popFirst().flatMap(hexValue) else {
                throw .badURL("in the \(part), % must be followed by two hexadecimal digits (%25 is a percent sign)")
            }
            bytes.append(high << 4 | low)
        }
        guard !bytes.contains(0), let decoded = String(validating: bytes, as: UTF8.self) else {
            throw .badURL("the \(part) is no UTF-8 text without NUL")
        }
        return decoded
    }

    private static func hexValue(_ byte: UInt8) -> UInt8? {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): byte - UInt8(ascii: "0")
        case UInt8(ascii: "a")...UInt8(ascii: "f"): byte - UInt8(ascii: "a") + 10
        case UInt8(ascii: "A")...UInt8(ascii: "F"): byte - UInt8(ascii: "A") + 10
        default: nil
        }
    }
}
