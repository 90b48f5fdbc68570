// The formats of the strings in manifests.

internal import Model

extension TextRule {
    static let resourceName = TextRule(
        expected: "a name of 1 to 63 lower-case letters, digits, \"-\" and \".\", with a letter or digit at both ends",
        pattern: "^[a-z0-9]([a-z0-9.-]{0,61}[a-z0-9])?$"
    ) { text in
        if ResourceName.isValid(text) { return nil }
        let lowered = text.lowercased()
        return Problem(hint: lowered != text && ResourceName.isValid(lowered) ? "write \"\(lowered)\"" : nil)
    }

    static let entryName = TextRule.name(
        "a name of 1 to 63 letters, digits, \"_\", \"-\" and \".\", beginning with a letter or digit",
        pattern: "^[A-Za-z0-9][A-Za-z0-9_.-]{0,62}$", limit: 63, first: Letters.isAlphanumeric,
        rest: { Letters.isAlphanumeric($0) || Letters.isOne(of: "_-.", $0) })

    static let configKey = TextRule.name(
        "a key of 1 to 63 letters, digits, \"_\", \"-\" and \".\", beginning with a letter or \"_\"",
        pattern: "^[A-Za-z_][A-Za-z0-9_.-]{0,62}$", limit: 63,
        first: { Letters.isLetter($0) || Letters.isOne(of: "_", $0) },
        rest: { Letters.isAlphanumeric($0) || Letters.isOne(of: "_-.", $0) })

    static let labelKey = TextRule.name(
        "a key of 1 to 63 letters, digits, \"_\", \"-\", \".\" and \"/\", beginning with a letter or digit",
        pattern: "^[A-Za-z0-9][A-Za-z0-9_./-]{0,62}$", limit: 63, first: Letters.isAlphanumeric,
        rest: { Letters.isAlphanumeric($0) || Letters.isOne(of: "_-./", $0) })

    static let labelValue = TextRule(
        expected: "a label of up to 63 letters, digits, \"_\", \"-\" and \".\"", pattern: "^[A-Za-z0-9_.-]{0,63}$",
        typeHint: "write it in quotes"
    ) { text in
        let isValid =
            text.utf8.count <= 63
            && text.utf8.allSatisfy { Letters.isAlphanumeric($0) || Letters.isOne(of: "_-.", $0) }
        return isValid ? nil : Problem()
    }

    static let environmentName = TextRule.name(
        "the name of an environment variable: letters, digits and \"_\", not beginning with a digit",
        pattern: "^[A-Za-z_][A-Za-z0-9_]{0,127}$", limit: 128,
        first: { Letters.isLetter($0) || Letters.isOne(of: "_", $0) },
        rest: { Letters.isAlphanumeric($0) || Letters.isOne(of: "_", $0) })

    static let packageName = TextRule.name(
        "a package's name: letters, digits and \"+._:@-\", beginning with a letter or digit",
        pattern: "^[A-Za-z0-9][A-Za-z0-9+._:@-]{0,127}$", limit: 128, first: Letters.isAlphanumeric,
        rest: { Letters.isAlphanumeric($0) || Letters.isOne(of: "+._:@-", $0) })

    static let packageState = TextRule(
        expected: "\"present\", \"absent\", or a version, which begins with a digit and may end in \"*\"",
        pattern: "^(present|absent|[0-9][A-Za-z0-9.+:~_-]*\\*?)$", maximumLength: 128,
        typeHint: "write it in quotes: \"1.22*\""
    ) { text in
        if ["present", "absent"].contains(text) { return nil }
        let version = text.hasSuffix("*") ? text.utf8.dropLast() : text.utf8[...]
        let isVersion =
            version.first.map(Letters.isDigit) ?? false
            && version.allSatisfy { Letters.isAlphanumeric($0) || Letters.isOne(of: ".+:~_-", $0) }
        let hint = text == "latest" ? "there is no \"latest\": name a version, or \"present\" for any" : nil
        return isVersion
            ? nil
            : Problem(hint: hint ?? NearestName.hint(for: text, among: ["present", "absent"], listing: false))
    }

    static let account = TextRule.name(
        "the name or number of a user or group",
        pattern: "^[A-Za-z0-9_][A-Za-z0-9_.-]{0,31}$", limit: 32,
        first: { Letters.isAlphanumeric($0) || Letters.isOne(of: "_", $0) },
        rest: { Letters.isAlphanumeric($0) || Letters.isOne(of: "_.-", $0) })

    static let mode = TextRule(
        expected: "four octal digits from \"0000\" to \"7777\"", pattern: "^[0-7]{4}$",
        typeHint: "write it in quotes: \"0644\""
    ) { text in
        if text.utf8.count == 4, text.utf8.allSatisfy({ Letters.isOne(of: "01234567", $0) }) { return nil }
        let isShort = text.utf8.count == 3 && text.utf8.allSatisfy { Letters.isOne(of: "01234567", $0) }
        return Problem(hint: isShort ? "write \"0\(text)\"" : nil)
    }

    static let collectorHash = TextRule(
        expected: "the name of a Redis hash, without spaces", pattern: "^[!-~]{1,253}$"
    ) { text in
        (1...253).contains(text.utf8.count) && text.utf8.allSatisfy { (0x21...0x7E).contains($0) } ? nil : Problem()
    }

    static let time = TextRule(
        expected: "a time in RFC 3339, such as \"2026-11-30T08:00:00Z\"",
        pattern: "^[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt][0-9]{2}:[0-9]{2}:[0-9]{2}(\\.[0-9]+)?([Zz]|[+-][0-9]{2}:[0-9]{2})$"
    ) { text in
        RFC3339.parse(text) == nil ? Problem() : nil
    }

    static let percent = TextRule(
        expected: "a whole percentage from \"1%\" to \"100%\"", pattern: "^([1-9][0-9]?|100)%$"
    ) { text in
        PercentText.parse(text) == nil ? Problem() : nil
    }

    static let configValue = TextRule(
        expected: "a string without control characters other than tab and newline",
        pattern: "^[^\\u0000-\\u0008\\u000b-\\u001f\\u007f]*$", maximumLength: ManifestLimits.configValueLength
    ) { text in
        text.utf8.contains { ($0 < 0x20 && $0 != 0x09 && $0 != 0x0A) || $0 == 0x7F } ? Problem() : nil
    }

    /// What a service can be restarted or reloaded for.
    static let fieldKinds: [FieldKind] = [.config, .package, .directory, .file, .command]

    static let fieldKey = TextRule(
        expected: "a field of this resource, such as \"file:/etc/motd\" or \"config:port\"",
        pattern: "^(config|package|directory|file|command):."
    ) { text in
        if let key = FieldKey(text), fieldKinds.contains(key.kind) { return nil }
        return Problem(
            hint: text.hasPrefix("/")
                ? "write \"file:\(text)\"" : "it begins with config:, package:, directory:, file: or command:")
    }

    static let signals = ["HUP", "INT", "QUIT", "USR1", "USR2", "WINCH"]

    static let signal = TextRule.oneOf(signals) { text in
        text.hasPrefix("SIG") && signals.contains(String(text.dropFirst(3))) ? "write it without SIG" : nil
    }
}
