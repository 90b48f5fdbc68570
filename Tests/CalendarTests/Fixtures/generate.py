#!/usr/bin/python3
"""Makes the fixtures of CronNextTests by another implementation: Python's zoneinfo, minute by minute.

    Tests/CalendarTests/Fixtures/generate.py      writes zoneinfo/ (with zic, from the system's tzdata.zi) and next.txt

The rule, in full: an expression with a fixed hour comes at the first of the moments that have a matching local time, and at
the end of a gap in which one was; an expression with any hour comes at each moment with a matching local time.
A line is: zone | expression | after | the times that follow.
"""
import datetime as dt
import os
import shutil
import subprocess
import zoneinfo

HERE = os.path.dirname(os.path.abspath(__file__))
UTC = dt.timezone.utc
ZONES = """America/New_York Europe/Berlin Australia/Lord_Howe Africa/Casablanca Asia/Kathmandu America/St_Johns Pacific/Apia
Antarctica/Troll Etc/UTC Europe/Dublin America/Havana Asia/Beirut Africa/Cairo America/Santiago Pacific/Chatham Asia/Tehran
Asia/Gaza America/Nuuk Asia/Kolkata America/Asuncion Europe/London Pacific/Kiritimati America/Sao_Paulo Asia/Amman""".split()
EXPRESSIONS = ["30 2 * * *", "0 0 * * *", "*/15 * * * *", "0 * * * *", "30 1 * * *", "15,45 0-3 * * *", "0 */2 * * *",
               "30 0-23 * * *", "*/20 1-2 * * *", "0 3 * * 0", "59 23 * * 6", "5 */3 * * sun,mon", "10 0 1-7 * fri", "*/10 0 * 3,4,10,11 *"]
DAYS = ["0 0 29 2 *", "30 4 1 1 *", "0 12 31 * *", "15 6 13 * 5", "0 9 * jan-mar mon", "0 0 1-7/3 */5 *", "45 23 30,31 4,12 *",
        "0 8 28-31 2 *", "7 7 */9 * 0", "0 0 * 2 7", "0 2 29 2 */7"]
NAMES = {n: i for i, n in enumerate("sun mon tue wed thu fri sat".split())}
NAMES.update({n: i + 1 for i, n in enumerate("jan feb mar apr may jun jul aug sep oct nov dec".split())})


def value(text):
    return NAMES[text] if text in NAMES else int(text)


def values(field, low, high):
    found = set()
    for item in field.split(","):
        span, _, step = item.partition("/")
        if span == "*":
            first, last = low, high
        elif "-" in span:
            first, last = map(value, span.split("-"))
        else:
            first = value(span)
            last = high if step else first
        found |= set(range(first, last + 1, int(step or 1)))
    return found


class Cron:
    def __init__(self, text):
        fields = text.split()
        self.minute, self.hour, self.day, self.month, weekday = (
            values(f, low, high) for f, (low, high) in zip(fields, [(0, 59), (0, 23), (1, 31), (1, 12), (0, 6)]))
        self.weekday = {w % 7 for w in weekday}
        self.fixed = not fields[1].startswith("*")
        self.either = not fields[2].startswith("*") and not fields[4].startswith("*")

    def on(self, date):
        one, other = date.day in self.day, date.isoweekday() % 7 in self.weekday
        return date.month in self.month and (one or other if self.either else one and other)

    def matches(self, local):
        return local.minute in self.minute and local.hour in self.hour and self.on(local)


def compact(moment):
    return moment.strftime("%Y%m%dT%H%M%SZ")


def locals_of(zone, start, minutes):
    """For each minute: the moment, its local time, and the local minutes that were jumped over just before it."""
    last = None
    for index in range(minutes):
        moment = start + dt.timedelta(minutes=index)
        local = moment.astimezone(zone)
        naive = local.replace(tzinfo=None, fold=0)
        skipped = []
        if last is not None:
            while (last := last + dt.timedelta(minutes=1)) < naive:
                skipped.append(last)
        yield moment, naive, local.fold, skipped
        last = naive


def window(cron, rows):
    for moment, naive, fold, skipped in rows:
        if cron.fixed:
            if any(cron.matches(s) for s in skipped) or (fold == 0 and cron.matches(naive)):
                yield moment
        elif cron.matches(naive):
            yield moment


def transitions(zone, first, last):
    moment, step, found = first, dt.timedelta(hours=1), []
    offset = moment.astimezone(zone).utcoffset()
    while moment < last:
        moment += step
        now = moment.astimezone(zone).utcoffset()
        if now != offset:
            found.append(moment)
        offset = now
    return found


def by_days(cron, zone, start, count):
    """Of an expression with a fixed hour, local day by local day."""
    date, found = start.astimezone(zone).date() - dt.timedelta(days=1), []
    while len(found) < count:
        if cron.on(date):
            for hour in sorted(cron.hour):
                for minute in sorted(cron.minute):
                    local = dt.datetime(date.year, date.month, date.day, hour, minute, tzinfo=zone)
                    moment = local.astimezone(UTC)
                    if moment.astimezone(zone).replace(tzinfo=None) != local.replace(tzinfo=None):
                        while moment.astimezone(zone).utcoffset() == (moment - dt.timedelta(minutes=1)).astimezone(zone).utcoffset():
                            moment -= dt.timedelta(minutes=1)
                    if moment > start and moment not in found[-1:]:
                        found.append(moment)
        date += dt.timedelta(days=1)
    return found[:count]


def main():
    folder = os.path.join(HERE, "zoneinfo")
    shutil.rmtree(folder, ignore_errors=True)
    everything = folder + ".all"
    subprocess.run(["zic", "-b", "slim", "-d", everything, "/usr/share/zoneinfo/tzdata.zi"], check=True)
    for name in ZONES:
        os.makedirs(os.path.dirname(os.path.join(folder, name)), exist_ok=True)
        shutil.copy(os.path.join(everything, name), os.path.join(folder, name))
    shutil.rmtree(everything)
    zoneinfo.reset_tzpath([folder])
    lines, turn = [], 0
    for name in ZONES:
        zone = zoneinfo.ZoneInfo(name)
        recent = transitions(zone, dt.datetime(2010, 1, 1, tzinfo=UTC), dt.datetime(2027, 1, 1, tzinfo=UTC))
        late = transitions(zone, dt.datetime(2045, 1, 1, tzinfo=UTC), dt.datetime(2046, 1, 1, tzinfo=UTC))
        moments = recent[:2] + recent[-2:] + late[:2] or [dt.datetime(2026, 2, 28, 12, tzinfo=UTC)]
        for moment in moments:
            start = (moment - dt.timedelta(hours=4)).replace(minute=0)
            rows = list(locals_of(zone, start, 60 * 40))
            for _ in range(5):
                text = EXPRESSIONS[turn % len(EXPRESSIONS)]
                turn += 1
                after = start + dt.timedelta(minutes=1)
                times = [t for t in window(Cron(text), rows) if t > after][:12]
                if times:
                    lines.append(f"{name} | {text} | {compact(after)} | " + " ".join(map(compact, times)))
        for _ in range(2):
            text = DAYS[turn % len(DAYS)]
            turn += 1
            start = dt.datetime(2019 + turn % 20, 1 + turn % 12, 3, 4, 5, tzinfo=UTC)
            times = by_days(Cron(text), zone, start, 2 if "*/7" in text else 5)
            lines.append(f"{name} | {text} | {compact(start)} | " + " ".join(map(compact, times)))
    with open(os.path.join(HERE, "next.txt"), "w") as out:
        out.write("\n".join(lines) + "\n")


main()
