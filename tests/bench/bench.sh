#!/bin/sh
# Compares disco, recording everything, with qemu-system-mipsel, on:
#
#   a  the boot of Debian's kernel to a shell, a few commands, power-off
#   b  a CPU suite inside the guest
#   c  programs of Debian's packages inside the guest
#   d  programs inside the guest that write code all the time
#
#   sh tests/bench/bench.sh [--rounds N] [--only NAME] [--engine interp|jit] [BUILD-DIR]
#
# All numbers come from one run of this script: the ways to run a guest (see one.sh) take turns, N
# rounds of them (3), and medians are compared. Every way must print the same checksums. NAME is
# "boot" or a benchmark of benchmarks.txt, which then runs alone; --engine is passed to disco.
#
# tests/run.sh must have been run before, for it builds the programs; what else is needed is fetched
# and built here. The table is also left in BUILD-DIR/bench/report.txt, and one of processor time in
# BUILD-DIR/bench/report-cpu.txt. Exit status: 0 if all was measured, whether or not the bars are
# met.
set -eu

tests=$(cd "$(dirname "$0")/.." && pwd)
build=$tests/../build
rounds=3
only=
engine=

fail()
{
    echo "bench.sh: $*" >&2
    exit 1
}

usage='usage: bench.sh [--rounds N] [--only NAME] [--engine interp|jit] [BUILD-DIR]'
while [ $# -gt 0 ]; do
    case $1 in
    --rounds | --only | --engine) [ $# -ge 2 ] || fail "$usage" ;;
    -*) fail "$usage" ;;
    esac
    case $1 in
    --rounds) rounds=$2 ;;
    --only) only=$2 ;;
    --engine) engine=$2 ;;
    *)
        [ $# -eq 1 ] || fail "$usage"
        build=$1
        shift
        continue
        ;;
    esac
    shift 2
done
[ "$rounds" -ge 1 ] 2>/dev/null || fail "--rounds wants a number from 1 on, not '$rounds'"

results=$build/bench
for file in "$build/disco-record" "$build/disco-replay"; do
    [ -f "$file" ] || fail "$file is missing: run tests/run.sh first"
done
sh "$tests/lib/fetch-guests.sh" "$build" --bench
for guest in batch bench; do
    sh "$tests/guest/initramfs/make-initramfs.sh" "$guest" "$build"
done
rm -rf "$results"
mkdir -p "$results"

round=1
while [ "$round" -le "$rounds" ]; do
    for run in ${only:-boot all}; do
        for way in none record verify qemu qemu-rr; do
            echo "round $round of $rounds: $run, $way" >&2
            set --
            case $way in
            none | record | verify) [ -z "$engine" ] || set -- --engine "$engine" ;;
            esac
            sh "$tests/bench/one.sh" "$run" "$way" "$build" "$@" >"$results/new"
            sed "s/^/$run $way /" "$results/new" >>"$results/measured"
        done
    done
    round=$((round + 1))
done
rm "$results/new"

python3 "$tests/bench/report.py" "$tests/bench/benchmarks.txt" "$results/measured" \
    >"$results/report.txt"
python3 "$tests/bench/report.py" --cpu "$tests/bench/benchmarks.txt" "$results/measured" \
    >"$results/report-cpu.txt"
cat "$results/report.txt"
for file in "$results"/*.zst "$results"/*.rr; do
    echo "size of $(basename "$file"): $(wc -c <"$file") bytes"
done | tee -a "$results/report.txt"
