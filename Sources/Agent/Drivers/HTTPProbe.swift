// Whether a URL answers well. Its host is looked up here, within the deadline and on one of few threads, and libcurl is
// given the addresses: a lookup of its own has no end.

internal import CCurl
internal import Model

package enum HTTPProbe {
    /// Of a body no more is read; a check is about the answer, not the content.
    private static let largestBody = 64 << 10

    package static func look(_ url: String, timeout: Duration, resolver: Resolver) -> String {
        let deadline = ContinuousClock.now + timeout
        guard let (host, port) = hostAndPort(of: url) else { return FieldValue.unhealthy("\(url) has no host") }
        // An address in brackets may name its interface, which only libcurl reads.
        if host.contains(":") { return get(url, resolved: nil, within: timeout) }
        switch resolver.addresses(of: host, port: port, until: deadline) {
        case .failed(let why): return FieldValue.unhealthy("\(host): \(why)")
        case .addresses(let addresses):
            let list = addresses.compactMap(\.text).joined(separator: ",")
            guard !list.isEmpty else { return FieldValue.unhealthy("\(host): no address") }
            return get(url, resolved: "*:\(port):\(list)", within: deadline - .now)
        }
    }

    private static func get(_ url: String, resolved: String?, within time: Duration) -> String {
        var answer = redops_http_answer()
        let code = redops_http_get(url, resolved, Int(max(1, time.wholeMilliseconds)), largestBody, &answer)
        guard code == 0 else {
            let text = withUnsafeBytes(of: answer.error) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
            return FieldValue.unhealthy(text)
        }
        return (200...399).contains(answer.status)
            ? FieldValue.healthy : FieldValue.unhealthy("HTTP \(answer.status)")
    }

    /// Of a URL as manifests may have it: `http://host/`, `https://user@[::1]:8443/path`.
    package static func hostAndPort(of url: String) -> (host: String, port: String)? {
        for (scheme, port) in [("http://", "80"), ("https://", "443")] where url.hasPrefix(scheme) {
            var host = url.dropFirst(scheme.count).prefix { !"/?#".contains($0) }
            if let at = host.lastIndex(of: "@") { host = host[host.index(after: at)...] }
            var given = port[...]
            if let colon = host.lastIndex(of: ":"), !host[colon...].contains("]") {
                given = host[host.index(after: colon)...]
                host = host[..<colon]
            }
            if host.hasPrefix("["), host.hasSuffix("]") { host = host.dropFirst().dropLast() }
            return host.isEmpty ? nil : (String(host), String(given))
        }
        return nil
    }
}
