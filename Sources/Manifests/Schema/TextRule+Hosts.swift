// Hosts and ports, alone and in what checks ask. A hole stands for anything here; what it is filled with by config is
// looked at once more, filled in.

extension TextRule {
    static let address = TextRule(
        expected: "a host name or IP address",
        pattern: "^([A-Za-z0-9][A-Za-z0-9._-]{0,252}|[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*(%[A-Za-z0-9._-]+)?)$"
    ) { text in
        isHost(text[...]) ? nil : Problem()
    }

    static let http = TextRule(
        expected: "an http:// or https:// URL with a host and, if any, a port from 1 to 65535",
        pattern: "^https?://[^/\\s:?#]"
    ) { text in
        guard let rest = ["http://", "https://"].first(where: text.hasPrefix).map({ text.dropFirst($0.count) }) else {
            return Problem()
        }
        if text.utf8.contains(where: { $0 <= 0x20 || $0 == 0x7F }) { return Problem(detail: "it has a space in it") }
        let authority = rest.prefix { !"/?#".contains($0) }
        let host = authority.lastIndex(of: "@").map { authority[authority.index(after: $0)...] } ?? authority
        // The last colon is that of a port, if it is not one of an address in brackets.
        guard let colon = host.lastIndex(of: ":"), !host[colon...].contains("]") else {
            return isHostOrHole(host) ? nil : Problem(detail: "the host is none")
        }
        guard isHostOrHole(host[..<colon]) else { return Problem(detail: "the host is none") }
        return isPortOrHole(host[host.index(after: colon)...]) ? nil : Problem(detail: "the port is none")
    }.asTemplate()

    static let hostAndPort = TextRule(
        expected: "a host and a port from 1 to 65535, such as \"${server.address}:3306\"", pattern: "^.+:.+$"
    ) { text in
        guard let colon = text.lastIndex(of: ":") else { return Problem() }
        let isValid = isHostOrHole(text[..<colon]) && isPortOrHole(text[text.index(after: colon)...])
        return isValid ? nil : Problem()
    }.asTemplate()

    private static func isPortOrHole(_ text: Substring) -> Bool {
        if text.contains("${") { return true }
        guard text.utf8.allSatisfy(Letters.isDigit), let number = Int(text) else { return false }
        return (1...65_535).contains(number)
    }

    private static func isHostOrHole(_ text: Substring) -> Bool {
        if text.contains("${") { return true }
        if text.hasPrefix("["), text.hasSuffix("]") { return isIPv6(text.dropFirst().dropLast()) }
        return isHost(text)
    }

    private static func isHost(_ text: Substring) -> Bool {
        if text.contains(":") { return isIPv6(text) }
        guard (1...253).contains(text.utf8.count), text.utf8.first.map(Letters.isAlphanumeric) == true,
            text.utf8.allSatisfy({ Letters.isAlphanumeric($0) || Letters.isOne(of: "._-", $0) })
        else { return false }
        // What has digits only is no name.
        guard text.utf8.allSatisfy({ Letters.isDigit($0) || Letters.isOne(of: ".", $0) }) else { return true }
        let parts = text.split(separator: ".", omittingEmptySubsequences: false)
        return parts.count == 4 && parts.allSatisfy { part in Int(part).map { (0...255).contains($0) } ?? false }
    }

    /// Whether it looks like one: groups of hexadecimal digits, and a zone perhaps.
    private static func isIPv6(_ text: Substring) -> Bool {
        let address = text.prefix { $0 != "%" }
        let zone = text.dropFirst(address.count)
        let isZone =
            zone.isEmpty
            || zone.count > 1
                && zone.dropFirst().utf8.allSatisfy { Letters.isAlphanumeric($0) || Letters.isOne(of: "._-", $0) }
        return isZone && text.utf8.count <= 253 && address.utf8.count(where: { $0 == UInt8(ascii: ":") }) >= 2
            && address.utf8.allSatisfy { Letters.isOne(of: "0123456789abcdefABCDEF:.", $0) }
    }
}
