// A JSON value with one or two places in it changed: still JSON, and often still nearly a manifest.

import JSON
import TestSeeds

struct ValueMutation {
    var random: SeededGenerator

    private static let values: [JSONValue] = [
        nil, true, false, 0, 1, -1, 65536, 0.5, "", "a", "/", "/a", "/a/b", "a/b", "..", "5s", "10ms", "2h", "25%",
        "0755", "1.2*", "present", "absent", "HUP", "Ready", "${config.port}", "${server.root}/x", "$$", "ä", "a b",
        "http://h/", "h:1", "config:port", "file:/etc/app.conf", "2026-11-30T08:00:00Z", [], [:], ["a"], ["a": "b"],
        ["content": "x"], ["command": ["a"]], ["tcp": "h:1"], ["signal": "HUP"],
        "30 2 * * *", "@daily", "Europe/Berlin", "forbid", 85.5, ["app": "shop", "action": "restart"], ["restart": []],
        ["upgrade": ["nginx"]], ["servers": ["server1"]], ["metric": "disk", "above": 85],
        ["steps": [["command": ["a"]]]],
    ]

    mutating func mutated(_ value: JSONValue) -> JSONValue {
        var value = value
        for _ in 0..<Int.random(in: 1...2, using: &random) { value = changed(value) }
        return value
    }

    private mutating func changed(_ value: JSONValue) -> JSONValue {
        switch value {
        case .object(let members) where !members.isEmpty && Int.random(in: 0...9, using: &random) > 0:
            return .object(changed(members))
        case .array(var elements) where !elements.isEmpty && Int.random(in: 0...9, using: &random) > 0:
            let index = elements.indices.randomElement(using: &random) ?? 0
            elements[index] = changed(elements[index])
            return .array(elements)
        default: return other()
        }
    }

    private mutating func changed(_ members: [String: JSONValue]) -> [String: JSONValue] {
        var members = members
        // Sorted, so that a seed tells all.
        guard let key = members.keys.sorted().randomElement(using: &random), let value = members[key] else {
            return members
        }
        switch Int.random(in: 0...9, using: &random) {
        case 0: members.removeValue(forKey: key)
        case 1: members[Self.values.randomElement(using: &random)?.string ?? key] = value
        default: members[key] = changed(value)
        }
        return members
    }

    private mutating func other() -> JSONValue { Self.values.randomElement(using: &random) ?? 0 }
}
