#!/bin/sh
# Runs benchmarks in one way and prints their times; bench.sh compares the ways.
#
#   sh tests/bench/one.sh NAME WAY BUILD-DIR [OPTION...]
#
# NAME is a benchmark of benchmarks.txt, "all" for all of them in one boot, or "boot" for the batch
# guest, which boots, does little and powers off. WAY is
#
#   record    disco with full recording          none      disco without a trace
#   verify    the replay of the last record      qemu      qemu-system-mipsel
#   qemu-rr   qemu in its own record mode, whose clock counts instructions as disco's does
#
# Prints a line "name milliseconds cpu-milliseconds checksum" for each benchmark and for the whole
# run ("total"); see stopwatch.py. The console goes to BUILD-DIR/bench/NAME.WAY.txt. OPTIONs go to
# disco or qemu. The words of the environment's BENCH_UNDER are put in front of the command:
#
#   BENCH_UNDER='perf record -o perf.data' sh tests/bench/one.sh sort record build
set -eu

tests=$(cd "$(dirname "$0")/.." && pwd)
# shellcheck source=tests/guest/guests.sh
. "$tests/guest/guests.sh"

fail()
{
    echo "one.sh: $*" >&2
    exit 1
}

[ $# -ge 3 ] || fail 'usage: one.sh NAME|all|boot WAY BUILD-DIR [OPTION...]'
name=$1
way=$2
build=$3
shift 3
guests=$build/guests
results=$build/bench
mkdir -p "$results"

guest_select batch "$guests"
if [ "$name" != boot ]; then
    guest_initrd=$guests/bench.cpio.gz
    [ "$name" = all ] || {
        grep -q "^[a-z]* $name " "$tests/bench/benchmarks.txt" || fail "no benchmark '$name'"
        # The kernel hands what it does not know to init, as a variable.
        guest_append="$guest_append bench=$name"
    }
fi
[ -f "$guest_initrd" ] || fail "$guest_initrd is missing: run tests/bench/bench.sh first"

trace=$results/$name.zst
case $way in
record)
    rm -f "$trace"
    set -- -o "$trace" "$@"
    ;;
none) set -- -o none "$@" ;;
qemu-rr) set -- -icount "shift=2,sleep=off,rr=record,rrfile=$results/$name.rr" "$@" ;;
esac
case $way in
record | none) set -- "$build/disco-record" -q "$@" ;;
verify) set -- "$build/disco-replay" --verify "$trace" "$@" ;;
qemu | qemu-rr)
    # Without a network and a video card: their ROMs are in packages that nothing else here needs.
    set -- qemu-system-mipsel -nic none -vga none -display none -monitor none -serial stdio "$@"
    ;;
*) fail "no way '$way'" ;;
esac
[ "$way" = verify ] ||
    set -- "$@" -M malta -m 256M -no-reboot -kernel "$guest_kernel" -initrd "$guest_initrd" \
        -append "$guest_append"

times=$results/$name.$way.times
rm -f "$times"
# shellcheck disable=SC2086 # a list of words
python3 "$tests/bench/stopwatch.py" --timeout 1800 "$times" "$results/$name.$way.txt" \
    ${BENCH_UNDER-} "$@" || fail "the run '$way' of '$name' failed: see $results/$name.$way.txt"
cat "$times"
