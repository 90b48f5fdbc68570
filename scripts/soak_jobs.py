"""The jobs part of `scripts/soak`: thousands of jobs whose effects can be counted, while everything is killed.

Each effect is one line in a file, appended with one write, so the files say what was done; each id that `opsapply` acknowledged
is in the books, so they say what should have been. Whoever decides by chance does so from the seed, and nowhere else.
"""
import json, os, signal, socket, subprocess, threading, time
from pathlib import Path

SERVERS = {"server1": "a", "server2": "a", "server3": "b", "server4": "b"}
CONTROLLERS = ["controller-1", "controller-2", "controller-3"]
POOLS = {"role=web": list(SERVERS), "role=web,zone=a": ["server1", "server2"], "role=web,zone=b": ["server3", "server4"]}
QUIET_SECONDS = 240  # bounded: a retry's wait and a lease are some seconds, a freeze at most 14
LEASE = 10
# Redis with `appendfsync everysec` writes to its file before it answers, unless a sync is under way: then up to so much later.
POSTPONED = 2.0
# From a claim to the line of its job, and from an answer to its note in the books.
NOTICE = 1.0
ENQUEUERS = 3
TICK_EVERY = 2

# Arguments: id, root, folder, kind, seconds. One write for each line, shorter than a page.
EFFECT = """#!/bin/sh
printf '%s %s %s\\n' "$1" "$$" "$(date +%s.%N)" >>"$2/begun"
case $4 in
    flaky) mkdir "$3/flaky/$1" 2>/dev/null && exit 1 ;;
    hopeless) exit 4 ;;
esac
printf '%s %s %s\\n' "$1" "$$" "$(date +%s.%N)" >>"$2/effects"
sleep "$5"
[ "$4" != failing ] || exit 3
"""


class Wire:
    """Just enough of Redis' protocol to ask many things at once."""

    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(10)
        self.socket.connect(str(path))
        self.file = self.socket.makefile("rb")

    def ask(self, *commands):
        parts = []
        for command in commands:
            words = [str(word).encode() for word in command]
            parts.append(b"*%d\r\n" % len(words) + b"".join(b"$%d\r\n%s\r\n" % (len(word), word) for word in words))
        self.socket.sendall(b"".join(parts))
        return [self.reply() for _ in commands]

    def reply(self):
        line = self.file.readline()
        if not line.endswith(b"\r\n"):
            raise OSError("the connection broke")
        kind, rest = line[:1], line[1:-2].decode()
        if kind == b"$":
            return None if rest == "-1" else self.file.read(int(rest) + 2)[:-2].decode(errors="replace")
        if kind == b"*":
            return [self.reply() for _ in range(int(rest))]
        if kind == b"-":
            raise OSError(rest)
        return int(rest) if kind == b":" else rest


class Book:
    """One run that was asked for: its jobs share all but the id and the queue."""

    def __init__(self, kind, jobs, repeatable, attempts, delay):
        self.kind, self.jobs, self.repeatable, self.attempts, self.delay = kind, jobs, repeatable, attempts, delay
        self.asked = self.acknowledged = None
        self.is_cancelled = False


class JobsSoak:
    def __init__(self, fleet, chance, count, check):
        self.fleet, self.chance, self.count, self.check = fleet, chance, count, check
        self.books, self.ended, self.redis_kills, self.did, self.delayed_syncs = [], {}, [], {}, 0
        self.lock, self.turn, self.is_over, self.problems = threading.Lock(), 0, False, []
        self.wire, self.prefixes, self.uncancelled = None, {}, 0

    # What is asked for. Made before anything runs, so that the seed alone decides it.

    def plan(self):
        kinds = [("plain", 70), ("flaky", 8), ("failing", 6), ("hopeless", 4), ("cancelled", 6), ("long", 2), ("doomed", 4)]
        total = number = 0
        while total < self.count:
            kind = self.chance.choices([kind for kind, _ in kinds], [weight for _, weight in kinds])[0]
            identity = f"j{number}"
            number += 1
            if self.chance.random() < 0.35:
                pool = self.chance.choice(list(POOLS))
                size = min(self.chance.choice([1, 5, 20, 40]), self.count - total)
                jobs = [(f"@{pool}", identity if size == 1 else f"{identity}.{index + 1}") for index in range(size)]
                where = ["--selector", pool, "--any", str(size)]
            else:
                names = self.chance.sample(list(SERVERS), min(self.chance.choice([1, 2, 4]), self.count - total))
                jobs = [(name, identity) for name in sorted(names)]
                where = [word for name in sorted(names) for word in ("--on", name)]
            attempts = {"flaky": 3, "hopeless": 2}.get(kind, 1)
            delay = {"doomed": 3600}.get(kind, self.chance.choice([0, 0, 0, 0, self.chance.randint(1, 15)]))
            book = Book(kind, jobs, self.chance.random() < 0.25, attempts, delay)
            busy = {"cancelled": self.chance.choice([0, 0.3, 2]), "long": self.chance.uniform(2, 12)}
            steps = self.fleet.folder / "steps" / f"{identity}.json"
            steps.write_text(json.dumps([{"command": [
                str(self.fleet.folder / "effect"), "${run.id}", "${server.root}", str(self.fleet.folder), kind,
                str(round(busy.get(kind, self.chance.choice([0, 0, 0.05, 0.3])), 2))]}]))
            book.command = ["run", "--detach", "--id", identity, "--steps", str(steps), *where,
                            "--retries", str(attempts - 1), "--priority", str(self.chance.randint(0, 9))]
            if delay:
                book.command += ["--delay", f"{delay}s"]
            if book.repeatable:
                book.command += ["--repeatable"]
            self.books.append(book)
            total += len(jobs)

    def manifests(self):
        servers = [{"apiVersion": "ops/v1", "kind": "Server",
                    "metadata": {"name": name, "labels": {"role": "web", "zone": zone}},
                    "spec": {"address": f"127.0.0.{index + 1}"}} for index, (name, zone) in enumerate(SERVERS.items())]
        run = [{"command": [str(self.fleet.folder / "effect"), "${run.id}", "${server.root}", str(self.fleet.folder),
                            "tick", "0"]}]
        ticks = [{"apiVersion": "ops/v1", "kind": "Schedule", "metadata": {"name": name},
                  "spec": {"at": f"*/{TICK_EVERY} * * * * *", "overlap": "allow", "missed": "all",
                           "run": {"steps": run}, "on": on}}
                 for name, on in (("tick-own", {"servers": ["server1"]}),
                                  ("tick-pool", {"selector": {"role": "web"}, "any": 1}))]
        path = self.fleet.folder / "jobs.json"
        path.write_text(json.dumps(servers + ticks, indent=1))
        return str(path)

    def prepare(self):
        for name in ("steps", "flaky"):
            (self.fleet.folder / name).mkdir()
        effect = self.fleet.folder / "effect"
        effect.write_text(EFFECT)
        effect.chmod(0o755)
        self.plan()

    # Who enqueues, and cancels. What was not acknowledged is asked for again under the same id.

    def next_book(self):
        with self.lock:
            if self.turn == len(self.books):
                return None
            self.turn += 1
            return self.books[self.turn - 1]

    def enqueue_all(self):
        while not self.is_over and (book := self.next_book()):
            book.asked = time.time()
            while not self.is_over:
                code, text = self.fleet.ops(*book.command, timeout=30)
                if code == 0:
                    book.acknowledged = time.time()
                    break
                if code != 1 and code is not None:
                    self.problems.append(f"{book.command}: {code} {text}")
                    break
                time.sleep(0.1)
            if book.kind in ("cancelled", "doomed"):
                self.cancel(book)

    def cancel(self, book):
        for queue, identity in book.jobs:
            while not self.is_over:
                code, text = self.fleet.ops("jobs", "cancel", f"{queue}/{identity}", timeout=30)
                if code == 0 or "there is no job" in text:
                    break
                time.sleep(0.1)
        book.is_cancelled = True

    def cancel_again(self):
        """A cancellation that was acknowledged can be in what `everysec` loses: then its job waits for its hour."""
        while not self.harvest():
            time.sleep(0.1)
        for book in self.books:
            if book.kind == "doomed" and any(job not in self.ended for job in book.jobs):
                self.cancel(book)
                self.uncancelled += 1

    # What became of them. A queue remembers a number of the ended only, so they are noted as they come.

    def keys(self, queue):
        pattern = f"*:pool:{queue[1:]}:jobs" if queue[0] == "@" else f"*:server:{queue}:runs:jobs"
        found = self.fleet.redis("--scan", "--pattern", pattern).split()
        return found[0][:-4] if found else None

    def harvest(self):
        """Notes new results; False if Redis is away."""
        try:
            if self.wire is None:
                self.wire = Wire(self.fleet.socket)
            for queue in list(SERVERS) + [f"@{pool}" for pool in POOLS]:
                prefix = self.prefixes.get(queue) or self.keys(queue)
                if not prefix:
                    continue
                self.prefixes[queue] = prefix
                ids = [one for one in self.wire.ask(("ZRANGE", prefix + "ended", 0, -1))[0]]
                # A result in doubt may change yet.
                new = [one for one in ids if self.ended.get((queue, one), (None, "in doubt"))[1].startswith("in doubt")]
                results = self.wire.ask(("HMGET", prefix + "results", *new))[0] if new else []
                for one, line in zip(new, results):
                    if line:
                        # state, time, exit code, attempt, when it was claimed, server, token, error
                        words = line.split(" ", 7) + [""]
                        self.ended[queue, one] = (words[0], words[7], int(words[3]), None if words[2] == "-" else words[2])
            return True
        except OSError:
            self.wire = None
            return False

    # Faults

    def kill_redis(self):
        info = dict(line.split(":", 1) for line in self.fleet.redis("INFO", "persistence").split() if ":" in line)
        self.delayed_syncs += int(info.get("aof_delayed_fsync", 0))
        self.fleet.kill("redis", self.chance.choice([0, 0, 0.5, 2]))
        self.redis_kills.append(time.time())
        self.wire = None

    def kill_agent(self): self.fleet.kill(self.chance.choice(list(SERVERS)), self.chance.choice([0, 0, 0, 1, 4, LEASE + 2]))
    def freeze_agent(self): self.fleet.freeze(self.chance.choice(list(SERVERS)), self.chance.uniform(0.5, LEASE + 4))

    def kill_leader(self):
        if leader := self.fleet.leader():
            self.fleet.kill(leader, self.chance.choice([0, 0, 1]))

    def kill_controller(self): self.fleet.kill(self.chance.choice(CONTROLLERS), self.chance.choice([0, 1]))
    def freeze_redis(self): self.fleet.freeze("redis", self.chance.uniform(0.2, 3))
    def forget_scripts(self): self.fleet.redis("SCRIPT", "FLUSH")
    def drop_connections(self): self.fleet.redis("CLIENT", "KILL", "TYPE", "normal")

    FAULTS = [(kill_agent, 8), (freeze_agent, 2), (kill_redis, 4), (kill_leader, 3), (kill_controller, 1),
              (freeze_redis, 1), (forget_scripts, 1), (drop_connections, 2)]

    def tend(self):
        """Whoever asks a Redis that is stopped waits for this."""
        while not self.is_over:
            self.fleet.tend()
            time.sleep(0.02)

    def rage(self, only):
        """Breaks things until everything is enqueued and most of it is done."""
        threading.Thread(target=self.tend, daemon=True).start()
        faults = [fault for fault in self.FAULTS if not only or fault[0].__name__ in only]
        threads = [threading.Thread(target=self.enqueue_all, daemon=True) for _ in range(ENQUEUERS)]
        for thread in threads:
            thread.start()
        next_word = 0.0
        while any(thread.is_alive() for thread in threads):
            fault = self.chance.choices([fault for fault, _ in faults], [weight for _, weight in faults])[0]
            self.did[fault.__name__] = self.did.get(fault.__name__, 0) + 1
            with open(self.fleet.folder / "faults.log", "a") as log:
                log.write(f"{time.time():.3f} {fault.__name__}\n")
            fault(self)
            pause = time.monotonic() + min(self.chance.expovariate(1), 6)
            while time.monotonic() < pause:
                self.harvest()
                time.sleep(0.05)
            if time.monotonic() > next_word:
                next_word = time.monotonic() + 10
                acknowledged = sum(len(book.jobs) for book in self.books if book.acknowledged)
                print(f"  … {acknowledged} acknowledged, {len(self.ended)} ended, {sum(self.did.values())} faults", flush=True)

    def settle(self, fsync):
        """Lets everything be, and waits until the queues are empty."""
        self.fleet.calm()
        if fsync == "everysec":
            self.cancel_again()
        began, left = time.monotonic(), "Redis is away"
        for name in ("tick-own", "tick-pool"):
            while time.monotonic() < began + QUIET_SECONDS and self.fleet.ops("delete", f"schedule/{name}", "--yes")[0] != 0:
                time.sleep(0.1)
        while time.monotonic() < began + QUIET_SECONDS and left:
            if self.harvest():
                left = self.open_jobs()
            time.sleep(0.1)
        self.harvest()  # what ended between the two looks
        self.check(f"0 stuck: the queues were empty after {time.monotonic() - began:.1f} s", not left, left)
        end = time.monotonic() + 20
        while (processes := self.processes()) and time.monotonic() < end:
            time.sleep(0.2)
        self.check("no process of a job is left over", not processes, processes)

    def open_jobs(self):
        left = {}
        for queue, prefix in self.prefixes.items():
            names = ("ready", "delayed", "retries", "active", "claims", "tries", "cancels")
            kinds = {"claims": "HKEYS", "tries": "HKEYS", "cancels": "SMEMBERS"}
            found = self.wire.ask(*[(kinds[name], prefix + name) if name in kinds else ("ZRANGE", prefix + name, 0, -1)
                                    for name in names],
                                  ("HLEN", prefix + "jobs"), ("ZCARD", prefix + "ended"))
            for name, ids in zip(names, found):
                if ids:
                    left[f"{queue} {name}"] = ids[:5]
            if found[-2] != found[-1]:
                left[f"{queue} jobs"] = f"{found[-2]} known, {found[-1]} ended"
        return left

    def processes(self):
        mark, found = str(self.fleet.folder / "effect").encode(), []
        for entry in Path("/proc").iterdir():
            if entry.name.isdigit():
                try:
                    if mark in (entry / "cmdline").read_bytes():
                        found.append(int(entry.name))
                except OSError:
                    pass
        return found

    # What must hold

    def lines(self, name):
        found = {}
        for server in SERVERS:
            path = self.fleet.root(server) / name
            for line in path.read_text().splitlines() if path.exists() else []:
                identity, pid, at = line.split()
                found.setdefault(identity, []).append((server, pid, float(at)))
        return found

    def in_window(self, moment):
        """Whether Redis was killed so soon after this that `everysec` does not promise it."""
        return moment is not None and any(-NOTICE <= kill - moment <= POSTPONED + NOTICE for kill in self.redis_kills)

    def judge(self, fsync):
        effects, begun = self.lines("effects"), self.lines("begun")
        lost, twice, early, wrong, over, unplanned = [], [], [], [], [], []
        figures = {"done": 0, "dead": 0, "cancelled": 0, "in doubt": 0, "repeated": 0, "lost with Redis": 0, "cancelled in vain": self.uncancelled, "twice on a server": 0}
        for book in self.books:
            if book.acknowledged is None:
                continue
            for queue, identity in book.jobs:
                own = [one for one in effects.get(identity, []) if queue[0] == "@" or one[0] == queue]
                starts = [one for one in begun.get(identity, []) if queue[0] == "@" or one[0] == queue]
                state, error, attempt, code = self.ended.get((queue, identity), (None, "", 0, None))
                name = f"{queue}/{identity} {book.kind} {state} {error!r} attempt {attempt}, {len(own)} effects {own}"
                is_doubtful = error.startswith("in doubt")
                figures["in doubt" if is_doubtful else state or "lost with Redis"] += 1
                if state is None and not (fsync == "everysec" and self.in_window(book.acknowledged)):
                    lost.append(name)
                if len(own) > 1:
                    figures["repeated"] += 1
                    figures["twice on a server"] += queue[0] != "@" and not book.repeatable
                    if not book.repeatable and not self.excused(own, fsync):
                        twice.append(name)
                if book.delay and starts and min(at for _, _, at in starts) < book.asked + book.delay - 0.01:
                    early.append(name)
                if len(starts) > book.attempts and not book.repeatable and not self.excused(starts, fsync):
                    over.append(f"{name}, begun {len(starts)} times")
                if state and not is_doubtful and not self.is_right(book, state, code, attempt, len(own)):
                    wrong.append(name)
        known = {identity for book in self.books for _, identity in book.jobs}
        unplanned = [identity for identity in begun if identity not in known and not identity.startswith("tick-")]
        print("  jobs: " + ", ".join(f"{count} {what}" for what, count in figures.items()), flush=True)
        print(f"  Redis was killed {len(self.redis_kills)} times, appendfsync {fsync}, {self.delayed_syncs} writes waited for two seconds",
              flush=True)
        self.check(f"0 lost of {sum(len(book.jobs) for book in self.books if book.acknowledged)}", not lost,
                   f"{len(lost)}: {lost[:5]}")
        self.check("0 effects twice", not twice, f"{len(twice)}: {twice[:5]}")
        self.check("no more tries than were asked for", not over, f"{len(over)}: {over[:5]}")
        self.check("each ended as it should", not wrong, f"{len(wrong)}: {wrong[:5]}")
        self.check("none before its time", not early, f"{len(early)}: {early[:5]}")
        self.check("nothing that nobody asked for", not unplanned, unplanned[:5])
        self.check("all were acknowledged, with no other answer than yes or not now",
                   all(book.acknowledged for book in self.books) and not self.problems, self.problems[:3])
        self.judge_ticks(effects, fsync)

    def excused(self, ends, fsync):
        """With `everysec` a claim, or an end, that was lost with Redis comes again."""
        return fsync == "everysec" and any(self.in_window(at) for _, _, at in ends)

    def is_right(self, book, state, code, attempt, effects):
        if state == "cancelled":
            return book.is_cancelled and (attempt > 0 or effects == 0)
        if book.kind == "doomed":
            return False
        if book.kind in ("plain", "long", "cancelled"):
            return state == "done" and effects >= 1
        if book.kind == "flaky":
            return state == "done" and effects >= 1
        if book.kind == "failing":
            return state == "dead" and code == "3" and effects >= 1
        return state == "dead" and code == "4" and effects == 0

    def judge_ticks(self, effects, fsync):
        for name in ("tick-own", "tick-pool"):
            ticks = {identity: ends for identity, ends in effects.items() if identity.startswith(name + "-")}
            times = sorted(time.mktime(time.strptime(one[len(name) + 1:], "%Y%m%dT%H%M%SZ")) for one in ticks)
            doubtful = [one for (_, one), (_, error, _, _) in self.ended.items()
                        if one.startswith(name + "-") and error.startswith("in doubt") and one not in ticks]
            wanted = int((times[-1] - times[0]) / TICK_EVERY) + 1 if times else 0
            twice = [one for one, ends in ticks.items() if len(ends) > 1 and not self.excused(ends, fsync)]
            self.check(f"{name}: {len(ticks)} ticks, each once, none missing",
                       ticks and not twice and wanted - len(doubtful) <= len(ticks) <= wanted,
                       f"{wanted} times, twice: {twice[:5]}, in doubt: {len(doubtful)}")
