#!/bin/sh
# Measures what recording costs: the boot of Debian's kernel, a few shell commands, power-off.
#
#   sh tests/bench/bench.sh [BUILD-DIR]
#
# All numbers come from one run of this script: the ways to run the guest take turns, three rounds
# of them, and medians are compared. tests/run.sh must have been run before (it builds the programs
# and fetches the guest). The qemu-rr line is qemu's own record mode, whose clock counts
# instructions as disco's does. DISCO_ENGINE=interp measures the interpreter.
set -eu

tests=$(cd "$(dirname "$0")/.." && pwd)
build=${1:-$tests/../build}
guests=$build/guests
results=$build/bench
trace=$guests/batch${DISCO_ENGINE:+.$DISCO_ENGINE}.zst # as boot-disco.sh names it
ways='none record verify qemu qemu-rr'

for file in "$build/disco-record" "$build/disco-replay" "$guests/batch.cpio.gz"; do
    [ -f "$file" ] || {
        echo "bench.sh: $file is missing: run tests/run.sh first" >&2
        exit 1
    }
done
rm -rf "$results"
mkdir -p "$results"

# run WAY: one run of the guest; record leaves the trace that verify then reads.
run()
{
    case $1 in
    none) sh "$tests/guest/boot-disco.sh" batch "$build" -o none ;;
    record) sh "$tests/guest/boot-disco.sh" batch "$build" ;;
    verify) "$build/disco-replay" ${DISCO_ENGINE:+"--engine=$DISCO_ENGINE"} --verify "$trace" ;;
    qemu) sh "$tests/guest/boot-qemu.sh" batch "$build" ;;
    qemu-rr)
        sh "$tests/guest/boot-qemu.sh" batch "$build" \
            -icount "shift=2,sleep=off,rr=record,rrfile=$results/qemu-rr.bin"
        ;;
    esac >"$results/$1.log" 2>&1
}

for _ in 1 2 3; do
    for way in $ways; do
        start=$(date +%s%N)
        run "$way" || {
            echo "bench.sh: the run '$way' failed:" >&2
            cat "$results/$way.log" >&2
            exit 1
        }
        end=$(date +%s%N)
        echo "$(((end - start) / 1000000))" >>"$results/$way.ms"
    done
done

# median WAY: in milliseconds.
median()
{
    sort -n "$results/$1.ms" | sed -n 2p
}

# ratio TEXT WAY WAY: prints the first way's median in units of the second's.
ratio()
{
    awk -v text="$1" -v a="$(median "$2")" -v b="$(median "$3")" \
        'BEGIN { printf "%-52s %6.2f\n", text, a / b }'
}

echo 'seconds (median of 3, and all three):'
for way in $ways; do
    awk -v way="$way" -v median="$(median "$way")" \
        '{ all = all sprintf(" %.1f", $1 / 1000) }
         END { printf "  %-10s %6.1f  (%s )\n", way, median / 1000, all }' "$results/$way.ms"
done
echo 'ratios of wall-clock time:'
ratio 'recording / running without a trace' record none
ratio 'verifying / recording' verify record
ratio 'disco recording / qemu' record qemu
ratio 'disco without a trace / qemu' none qemu
ratio 'disco recording / qemu recording (icount, rr)' record qemu-rr
wc -c "$trace" "$results/qemu-rr.bin" |
    awk 'NR < 3 { printf "%-52s %9d bytes\n", "size of " $2, $1 }'
