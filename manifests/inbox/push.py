#!/usr/bin/env python3
"""Pushes a job into the inbox of RedOps, waits until it is over, and reads how it ended.

    push.py redis://127.0.0.1:6379 server1 -- uptime
    push.py unix:///run/redis.sock server1 server2 -- systemctl reload nginx

Needs Python 3.8 and nothing else: the five commands it sends are written out below. With the package `redis` from PyPI,
`Redis(url)` would be `redis.Redis.from_url(url, decode_responses=True)`, and `call("X", ...)` is `execute_command("X", ...)`.
Exit code 0 only if every job is done.
"""

import json
import socket
import sys
import time
import urllib.parse
import uuid

PREFIX = "ops"
LONGEST_WAIT = 300  # seconds


class Redis:
    """One connection, one command at a time."""

    def __init__(self, url):
        parts = urllib.parse.urlsplit(url)
        if parts.scheme == "unix":
            self.socket = socket.socket(socket.AF_UNIX)
            self.socket.settimeout(10)
            self.socket.connect(parts.path)
        else:
            self.socket = socket.create_connection((parts.hostname or "127.0.0.1", parts.port or 6379), timeout=10)
        self.file = self.socket.makefile("rb")
        if parts.password:
            words = [urllib.parse.unquote(word) for word in (parts.username, parts.password) if word]
            self.call("AUTH", *words)

    def call(self, *words):
        data = [str(word).encode() for word in words]
        self.socket.sendall(b"*%d\r\n" % len(data) + b"".join(b"$%d\r\n%s\r\n" % (len(d), d) for d in data))
        return self.reply()

    def reply(self):
        line = self.file.readline()
        kind, rest = line[:1], line[1:-2]
        if kind == b"+":
            return rest.decode()
        if kind == b":":
            return int(rest)
        if kind == b"$":
            return None if rest == b"-1" else self.file.read(int(rest) + 2)[:-2].decode("utf-8", "replace")
        if kind == b"*":
            return [self.reply() for _ in range(int(rest))]
        raise RuntimeError(rest.decode() if kind == b"-" else "the connection to Redis ended")

    def hash(self, key):
        flat = self.call("HGETALL", key)
        return dict(zip(flat[::2], flat[1::2]))


def wait_for(look, until):
    """Asks until there is an answer; gives up at a time."""
    while time.monotonic() < until:
        found = look()
        if found:
            return found
        time.sleep(0.05)
    sys.exit("push.py: nothing to see within %d s; is a controller running?" % LONGEST_WAIT)


def main():
    if "--" not in sys.argv[3:] or sys.argv[-1] == "--":
        sys.exit("usage: push.py REDIS-URL SERVER… -- COMMAND…")
    split = sys.argv.index("--")
    redis, servers, command = Redis(sys.argv[1]), sys.argv[2:split], sys.argv[split + 1 :]
    until = time.monotonic() + LONGEST_WAIT

    # An id of our own: whoever pushes it again, after an answer that was lost, gets no second job.
    job_id = "push-" + uuid.uuid4().hex
    job = {"id": job_id, "on": servers, "command": command}
    redis.call("RPUSH", PREFIX + ":{ctl}:inbox", json.dumps(job))

    # What became of the item is under its id.
    item = wait_for(lambda: redis.hash(PREFIX + ":{ctl}:inbox:item:" + job_id), until)
    if item["state"] == "refused":
        sys.exit("push.py: refused: " + item["reason"])

    # The result of each job is a hash, which is there when the job is over.
    is_good = True
    for name, key in zip(item["jobs"].split(), item["keys"].split()):
        result = wait_for(lambda: redis.hash(key), until)
        code = "exit code " + result["exitCode"] if "exitCode" in result else None
        print(*filter(None, [name, result["state"], code, result.get("error")]))
        is_good = is_good and result["state"] == "done"
    sys.exit(0 if is_good else 1)


if __name__ == "__main__":
    main()
