#!/bin/sh
# What host threads win: records four equal machines (tests/cluster/work.conf.in) on one thread and
# on two, in turn, and prints the median times and their ratio.
#
#   sh tests/bench/threads.sh ROUNDS BUILD-DIR [CPU...]
#
# The CPUs are 24Kf, whose guests refill their TLBs most of the time so that the trace's writer needs
# a good part of a core, and 24Kf,tlb=256, if none are given. tests/run.sh must have been run before.
# Exit status: 0 if all was measured.
set -eu

fail()
{
    echo "threads.sh: $*" >&2
    exit 1
}

[ $# -ge 2 ] || fail 'usage: threads.sh ROUNDS BUILD-DIR [CPU...]'
tests=$(cd "$(dirname "$0")/.." && pwd)
rounds=$1
build=$2
shift 2
[ "$rounds" -ge 1 ] 2>/dev/null || fail "ROUNDS is a number from 1 on, not '$rounds'"
[ $# -gt 0 ] || set -- 24Kf 24Kf,tlb=256

results=$build/bench/threads
mkdir -p "$results"

# record CPU THREADS: prints the milliseconds.
record()
{
    sh "$tests/cluster/make-conf.sh" work "$build" "$results" COUNT=4 WORK=1 MEMORY=64M \
        CPU="$1" THREADS="$2" >"$results/threads.conf"
    rm -f "$results/threads.zst"
    python3 "$tests/bench/stopwatch.py" --timeout 1800 "$results/times" "$results/console.txt" \
        "$build/disco-record" -q -o "$results/threads.zst" "$results/threads.conf" ||
        fail "the run failed: see $results/console.txt"
    sed -n 's/^total \([0-9]*\) .*/\1/p' "$results/times"
}

for cpu; do
    : >"$results/one"
    : >"$results/two"
    for round in $(seq "$rounds"); do
        echo "$cpu: round $round of $rounds" >&2
        record "$cpu" 1 >>"$results/one"
        record "$cpu" 2 >>"$results/two"
    done
    python3 - "$results/one" "$results/two" "$cpu" <<'END'
import statistics
import sys

one, two = (statistics.median(float(line) for line in open(name)) / 1000 for name in sys.argv[1:3])
print(f"{sys.argv[3]}: {one:.2f} s on 1 thread, {two:.2f} s on 2: {one / two:.2f} times as fast")
END
done
