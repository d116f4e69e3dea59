#!/usr/bin/env python3
"""Turns the measurements of bench.sh into a table.

usage: report.py [--cpu] BENCHMARKS MEASURED

BENCHMARKS is benchmarks.txt; MEASURED has lines "run way name milliseconds cpu-milliseconds
checksum", several for each benchmark. --cpu takes processor time instead of wall-clock time: it is
less disturbed by other work of the machine, but counts what other threads do at the same time.
Prints medians, ratios, geometric means, and which bars are met. Exit status 1 if
two checksums of one benchmark differ or a benchmark is missing in a way.
"""
import math
import statistics
import sys

WAYS = ("none", "record", "qemu", "qemu-rr")
GROUP_TITLES = {
    "a": "a: boot to a shell and power-off",
    "b": "b: CPU suite in the guest",
    "c": "c: Debian's programs in the guest",
    "d": "d: programs that write code all the time",
}
# The most that disco with full recording may take, in units of the other way.
BAR_QEMU = 0.6
BAR_QEMU_CODE = 3.0
BAR_QEMU_RR = 0.4
BAR_NONE = 1.05
BAR_VERIFY = 1.0


class Measured:
    """The medians, by (run, way, name)."""

    def __init__(self, path, cpu):
        samples = {}
        self.checksums = {}
        self.runs = []
        with open(path, encoding="utf-8") as lines:
            for line in lines:
                run, way, name, wall_time, cpu_time, checksum = line.split()
                milliseconds = cpu_time if cpu else wall_time
                if run not in self.runs:
                    self.runs.append(run)
                # Nothing here takes less than a millisecond.
                samples.setdefault((run, way, name), []).append(max(1, int(milliseconds)))
                self.checksums.setdefault(name, {}).setdefault(checksum, way)
        self.medians = {key: statistics.median(values) for key, values in samples.items()}
        self.rounds = max(len(values) for values in samples.values())

    def check(self):
        """Every way must have computed the same."""
        for name, seen in self.checksums.items():
            if len(seen) > 1:
                sys.exit("report.py: '%s' has different checksums: %s" % (name, seen))

    def row(self, run, name):
        """The medians of a benchmark in the order of WAYS, or None if it did not run at all."""
        values = [self.medians.get((run, way, name)) for way in WAYS]
        if not any(values):
            return None
        if not all(values):
            sys.exit("report.py: '%s' did not run in every way" % name)
        return dict(zip(WAYS, values))


def read_rows(benchmarks, measured):
    """A list of (group, name, medians)."""
    rows = []
    if "boot" in measured.runs:
        rows.append(("a", "boot", measured.row("boot", "total")))
    with open(benchmarks, encoding="utf-8") as lines:
        for line in lines:
            if not line.strip() or line.startswith("#"):
                continue
            group, name, _ = line.split(None, 2)
            for run in ("all", name):
                row = measured.row(run, name) if run in measured.runs else None
                if row:
                    rows.append((group, name, row))
                elif run in measured.runs:
                    sys.exit("report.py: '%s' was not measured" % name)
    return rows


def geomean(values):
    return math.exp(sum(math.log(value) for value in values) / len(values))


def ratios(rows, way, groups):
    return [row["record"] / row[way] for group, _, row in rows if group in groups]


def print_table(rows):
    head = "%-12s %8s %8s %8s %8s  %9s %9s %9s"
    print(head % ("", "none", "record", "qemu", "qemu-rr", "rec/qemu", "rec/rr", "rec/none"))
    last = None
    for group, name, row in rows:
        if group != last:
            print(GROUP_TITLES[group])
            last = group
        seconds = tuple(row[way] / 1000 for way in WAYS)
        parts = tuple(row["record"] / row[way] for way in ("qemu", "qemu-rr", "none"))
        print("  %-10s %8.2f %8.2f %8.2f %8.2f  %9.2f %9.2f %9.2f" % ((name,) + seconds + parts))
    print("geometric means")
    for title, groups in (("b", "b"), ("c", "c"), ("b and c", "bc")):
        if not ratios(rows, "qemu", groups):
            continue
        means = tuple(geomean(ratios(rows, way, groups)) for way in ("qemu", "qemu-rr", "none"))
        print("  %-10s %35s  %9.2f %9.2f %9.2f" % ((title, "") + means))


def print_bar(text, bar, values):
    """`values`: pairs of a name and a ratio; the worst of them decides."""
    if not values:
        return
    name, worst = max(values, key=lambda value: value[1])
    of = " (%s)" % name if len(values) > 1 else ""
    verdict = "met" if worst <= bar else "MISSED"
    print("  %-50s <= %4.2f  %-6s %6.2f%s" % (text, bar, verdict, worst, of))


def print_bars(rows, whole):
    print("bars (of several, the worst decides)")
    print_bar("a: recording / qemu", BAR_QEMU, [("boot", r) for r in ratios(rows, "qemu", "a")])
    means = [(g, geomean(ratios(rows, "qemu", g))) for g in "bc" if ratios(rows, "qemu", g)]
    print_bar("b, c: recording / qemu, geometric mean", BAR_QEMU, means)
    print_bar("d: recording / qemu", BAR_QEMU_CODE,
              [(name, row["record"] / row["qemu"]) for group, name, row in rows if group == "d"])
    print_bar("each: recording / qemu recording (icount, rr)", BAR_QEMU_RR,
              [(name, row["record"] / row["qemu-rr"]) for _, name, row in rows])
    print_bar("whole runs: recording / without a trace", BAR_NONE,
              [(run, row["record"] / row["none"]) for run, row in whole])
    print_bar("whole runs: verifying / recording", BAR_VERIFY,
              [(run, row["verify"] / row["record"]) for run, row in whole])


def main():
    arguments = sys.argv[1:]
    cpu = arguments[:1] == ["--cpu"]
    if cpu:
        arguments = arguments[1:]
    if len(arguments) != 2:
        sys.exit(__doc__)
    measured = Measured(arguments[1], cpu)
    measured.check()
    rows = read_rows(arguments[0], measured)
    whole = []
    for run in measured.runs:
        row = measured.row(run, "total")
        row["verify"] = measured.medians[run, "verify", "total"]
        whole.append((run, row))

    kind = "processor" if cpu else "wall-clock"
    print("seconds of %s time, median of %d; and ratios" % (kind, measured.rounds))
    print_table(rows)
    print("whole runs, from power-on to power-off")
    for run, row in whole:
        print("  %-10s %8.2f %8.2f %8.2f %8.2f  verify %.2f" % (
            (run,) + tuple(row[way] / 1000 for way in WAYS) + (row["verify"] / 1000,)))
    print_bars(rows, whole)


if __name__ == "__main__":
    main()
