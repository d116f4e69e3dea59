#!/usr/bin/env python3
"""Runs a program and takes the time of the benchmarks that it announces on its console.

usage: stopwatch.py [--timeout S] TIMES CONSOLE PROGRAM ARG...

The guest prints "BENCH-BEGIN name" and "BENCH-END name checksum". This clock is the host's: the
time that a benchmark takes in the guest is no measure where virtual time counts instructions.
What the program prints goes to the file CONSOLE. The file TIMES gets a line

    name milliseconds cpu-milliseconds checksum

for each benchmark, and last one named "total", with checksum "-", for the whole run of the program.
The second number is the processor time of all threads of the program (not of its children), to a
hundredth of a second: it tells a slow program from a busy machine. Exit status: that of the
program; 1 if time ran out, a benchmark failed, or a BENCH-END is missing.
"""
import os
import re
import resource
import select
import subprocess
import sys
import time

MARK = re.compile(rb"BENCH-(BEGIN|END) (\S+)(?: (.*))?$")


TICK = 1.0 / os.sysconf("SC_CLK_TCK")


def read_clocks(pid):
    """Seconds of the wall clock, and of processor time that the program had until now."""
    now = time.monotonic()
    try:
        with open("/proc/%d/stat" % pid, encoding="utf-8", errors="replace") as stat:
            # Behind the name, which may contain anything: state, then fields 4 and on.
            fields = stat.read().rpartition(")")[2].split()
    except OSError:
        return now, 0.0
    return now, (int(fields[11]) + int(fields[12])) * TICK


class Marks:
    """Pairs the marks of a console, which comes in pieces."""

    def __init__(self):
        self.partial = b""
        self.started = None
        self.times = []

    def take(self, data, now):
        lines = (self.partial + data).split(b"\n")
        self.partial = lines.pop()
        for line in lines:
            # A line of the kernel's log may stand in front of the mark, not within it.
            mark = MARK.search(line.rstrip(b"\r"))
            if mark:
                self.mark(mark[1], mark[2].decode(), (mark[3] or b"").decode().strip(), now)

    def mark(self, kind, name, result, now):
        if kind == b"BEGIN":
            if self.started:
                sys.exit("stopwatch.py: '%s' has no end" % self.started[0])
            self.started = (name, now)
            return
        if not self.started or self.started[0] != name:
            sys.exit("stopwatch.py: '%s' ends without a beginning" % name)
        if not result or result.startswith("failed"):
            sys.exit("stopwatch.py: '%s' failed in the guest: %s" % (name, result))
        wall, cpu = (end - start for end, start in zip(now, self.started[1]))
        self.times.append((name, wall, cpu, result.replace(" ", "_")))
        self.started = None


def watch(program, console, marks, deadline):
    """Reads until the program closes its output; False if time ran out."""
    while True:
        wait = deadline - time.monotonic()
        if wait <= 0:
            return False
        if not select.select([program.stdout], [], [], wait)[0]:
            continue
        data = os.read(program.stdout.fileno(), 65536)
        now = read_clocks(program.pid)
        if not data:
            return True
        console.write(data)
        marks.take(data, now)


def main():
    arguments = sys.argv[1:]
    timeout = 600.0
    if arguments[:1] == ["--timeout"]:
        timeout = float(arguments[1])
        arguments = arguments[2:]
    if len(arguments) < 3:
        sys.exit(__doc__)
    marks = Marks()
    start = time.monotonic()
    # Nothing is ever typed: the program's input stays open and silent.
    program = subprocess.Popen(arguments[2:], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    try:
        with open(arguments[1], "wb") as console:
            if not watch(program, console, marks, start + timeout):
                sys.exit("stopwatch.py: time ran out after %g seconds" % timeout)
        status = program.wait()
    finally:
        if program.poll() is None:
            program.kill()
            program.wait()
    total = time.monotonic() - start
    if marks.started:
        sys.exit("stopwatch.py: '%s' has no end" % marks.started[0])
    with open(arguments[0], "w", encoding="utf-8") as times:
        usage = resource.getrusage(resource.RUSAGE_CHILDREN)
        marks.times.append(("total", total, usage.ru_utime + usage.ru_stime, "-"))
        for name, wall, cpu, checksum in marks.times:
            times.write("%s %d %d %s\n" % (name, wall * 1000, cpu * 1000, checksum))
    return status


if __name__ == "__main__":
    sys.exit(main())
