// Manifests that the fleets of these tests are given.

enum Manifests {
    static func servers(_ names: [String]) -> String {
        let servers = names.enumerated().map { index, name in
            """
            { "apiVersion": "ops/v1", "kind": "Server",
              "metadata": { "name": "\(name)", "labels": { "role": "web" } },
              "spec": { "address": "127.0.0.\(index + 1)" } }
            """
        }
        return "[\(servers.joined(separator: ",\n"))]"
    }

    /// An App with a folder, a file and a process on every server.
    static func site(greeting: String = "hello") -> String {
        """
        { "apiVersion": "ops/v1", "kind": "App",
          "metadata": { "name": "site" },
          "spec": {
            "placement": { "selector": { "role": "web" } },
            "config": { "greeting": "\(greeting)" },
            "directories": { "/srv/site": { "mode": "0755" } },
            "files": { "/srv/site/index.html": { "content": "${config.greeting} from ${server.name}\\n" } },
            "services": { "web": { "command": ["sleep", "86400"], "environment": { "FLEET": "${server.root}" } } } } }
        """
    }

    /// A second App with a file of its own.
    static let other = """
        { "apiVersion": "ops/v1", "kind": "App",
          "metadata": { "name": "other" },
          "spec": {
            "placement": { "selector": { "role": "web" } },
            "files": { "/srv/other/page": { "content": "other\\n" } } } }
        """

    /// An App whose command takes a while, and leaves a line in `effects` each time that it is carried through.
    static let slow = """
        { "apiVersion": "ops/v1", "kind": "App",
          "metadata": { "name": "slow" },
          "spec": {
            "placement": { "selector": { "role": "web" } },
            "files": { "/srv/slow/work.sh": {
              "content": "#!/bin/sh\\ncd ${server.root}/srv/slow\\necho begun >>begun\\nsleep 1\\necho done >>effects\\n",
              "mode": "0755" } },
            "commands": { "work": {
              "command": ["${server.root}/srv/slow/work.sh"], "creates": "${server.root}/srv/slow/effects" } } } }
        """
}
