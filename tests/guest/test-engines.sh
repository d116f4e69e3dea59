#!/bin/sh
# One guest under both engines: recorded under each with the same inputs, each trace verified under
# the other engine, and the two traces and transcripts compared.
#
#   sh tests/guest/test-engines.sh BUILD-DIR bare GUEST.elf [CPU]
#   sh tests/guest/test-engines.sh BUILD-DIR debian GUEST
set -eu

fail()
{
    echo "test-engines.sh: $*" >&2
    exit 1
}

[ $# -eq 3 ] || [ $# -eq 4 ] || fail "usage: test-engines.sh BUILD-DIR bare|debian GUEST [CPU]"
here=$(cd "$(dirname "$0")" && pwd)
build=$1
kind=$2
guest=$3
cpu=${4-24Kf}

if [ "$(uname -m)" != x86_64 ]; then
    echo "skipped: there is no translator for $(uname -m)"
    exit 77
fi

# All inputs, so that the two recordings are of one run.
inputs='-rtc base=2026-01-31T12:00:00 -seed 42'
case $kind in
bare) base=${guest%.elf}${4+.$4} ;;
debian) base=$build/guests/$guest ;;
*) fail "unknown kind '$kind'" ;;
esac

# record ENGINE: leaves BASE.ENGINE.zst and BASE.ENGINE.disco.txt.
record()
{
    rm -f "$base.$1.zst"
    if [ "$kind" = debian ]; then
        # shellcheck disable=SC2086 # a list of words
        DISCO_ENGINE=$1 sh "$here/boot-disco.sh" "$guest" "$build" -q $inputs
    else
        # shellcheck disable=SC2086
        "$build/disco-record" -q --engine "$1" -o "$base.$1.zst" -M malta -cpu "$cpu" -m 64M \
            -kernel "$guest" -no-reboot --timeout 120 $inputs </dev/null >"$base.$1.disco.txt"
    fi || {
        tail -n 40 "$base.$1.disco.txt"
        fail "$guest did not end well under $1"
    }
}

for engine in interp jit; do
    record $engine
done
if [ "$kind" = bare ]; then
    tr -d '\r' <"$base.interp.disco.txt" | grep -qx 'PASS' || fail "$guest did not say PASS"
fi
[ -s "$base.interp.disco.txt" ] || fail "$guest printed nothing"
cmp "$base.interp.disco.txt" "$base.jit.disco.txt"
"$build/disco-trace" diff "$base.interp.zst" "$base.jit.zst"
"$build/disco-replay" -q --engine jit --verify "$base.interp.zst"
"$build/disco-replay" -q --engine interp --verify "$base.jit.zst"
