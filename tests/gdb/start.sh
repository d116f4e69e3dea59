#!/bin/sh
# The first stop and the kernel's symbols: of a stripped kernel that unpacks and moves itself.
#
#   sh tests/gdb/start.sh BUILD-DIR TRACE TRACE-OF-TWO
#
# TRACE: that kernel panics because init dies. TRACE-OF-TWO: the same in two VMs, of which one does
# not move. Where `panic` is, the guest itself says: there, $a0 is the text of its panic.
set -eu

build=$(cd "$1" && pwd)
whole=$2
two=$3
dir=$(mktemp -d)
server=
trap '[ -z "$server" ] || kill "$server"; rm -rf "$dir"' EXIT
bad=0

fail()
{
    echo "start.sh: $1: $2"
    cat "$dir/out"
    bad=1
}

has()
{
    grep -Eq -- "$2" "$dir/out" || fail "$1" "no \"$2\""
}

hasnt()
{
    ! grep -Eq -- "$2" "$dir/out" || fail "$1" "has \"$2\""
}

# replay TRACE GDB-ARGUMENT...: with the gdb that disco-replay starts.
replay()
{
    trace=$1
    shift
    timeout 100 "$build/disco-replay" ${DISCO_ENGINE:+"--engine=$DISCO_ENGINE"} --stats "$trace" -- \
        -nx -q -batch -iex 'set style enabled off' "$@" >"$dir/out" 2>&1
}

# by_hand TRACE GDB-ARGUMENT...: with a gdb that only knows the address.
by_hand()
{
    trace=$1
    shift
    "$build/disco-replay" ${DISCO_ENGINE:+"--engine=$DISCO_ENGINE"} --gdb "unix:$dir/gdb" "$trace" \
        >"$dir/server" 2>&1 &
    server=$!
    n=0
    while [ ! -S "$dir/gdb" ]; do
        n=$((n + 1))
        [ $n -lt 300 ] || { cat "$dir/server"; exit 1; }
        sleep 0.1
    done
    timeout 100 gdb-multiarch -nx -q -batch -iex 'set style enabled off' -iex 'set remotetimeout 30' \
        -ex "target extended-remote $dir/gdb" "$@" >"$dir/out" 2>&1
    kill "$server"
    wait "$server" || true
    server=
    rm -f "$dir/gdb"
}

panics()
{
    has "$1" '^Breakpoint 1, 0x[0-9a-f]+ in panic \(\)'
    has "$1" 'Attempted to kill init!'
}

size=$(wc -c <"$whole")
head -c $((size - 20)) "$whole" >"$dir/cut.zst"
head -c $((size - 50000)) "$whole" >"$dir/killed.zst"
"$build/tests/gdb/drop_symbols" "$whole" "$dir/none.zst"
"$build/tests/gdb/drop_symbols" "$two" "$dir/none-of-two.zst"

# Nothing is replayed before the first stop.
for trace in "$whole" "$dir/cut.zst" "$dir/none.zst" "$two" "$dir/none-of-two.zst"; do
    replay "$trace" -ex 'info registers pc'
    has "$trace" '^pc: +0xbfc00000'
    has "$trace" '^ +guest instructions +0$'
done

for trace in "$whole" "$dir/cut.zst"; do
    "$build/disco-trace" info "$trace" >"$dir/out" || true
    has "$trace" "^  kernel's symbols: [0-9]{5}, found at cycle [0-9]+$"
    replay "$trace" -ex 'break panic' -ex 'monitor symbols' -ex continue -ex 'x/s $a0'
    panics "$trace"
    has "$trace" '^nothing to be looked for'
    hasnt "$trace" 'not in the trace'
    by_hand "$trace" -ex 'break panic' -ex continue -ex 'x/s $a0'
    panics "$trace by hand"
done

replay "$dir/killed.zst" -ex 'info address panic'
has killed '^Symbol "panic" is at 0x8[0-9a-f]{7} '

# Nothing is known: the search runs when somebody asks, and ends where it began.
none=$dir/none.zst
replay "$none" -ex 'break panic' -ex 'monitor when' -ex continue -ex 'x/s $a0'
has none "symbols are not in the trace; \"symbols\" in gdb looks for them"
has none '^position 0 of'
panics none
by_hand "$none" -ex 'monitor seek 1000000' -ex 'monitor symbols' -ex 'file target:/vm1/vmlinux' \
    -ex 'monitor when' -ex 'break panic' -ex continue -ex 'x/s $a0'
has 'none by hand' '^position 100000[01] of'
panics 'none by hand'
by_hand "$none" -iex "source $(dirname "$0")/../../gdb/disco.gdb" -ex symbols -ex 'break panic' \
    -ex continue -ex 'x/s $a0'
panics 'none, disco.gdb'

# Each VM has its own.
for trace in "$two" "$dir/none-of-two.zst"; do
    replay "$trace" -ex 'break panic' -ex 'printf "moved %x\n", panic' -ex 'inferior 2' \
        -ex 'printf "still %x\n", panic' -ex 'inferior 1' -ex continue -ex 'x/s $a0'
    has "$trace" 'Attempted to kill init!'
    has "$trace" '^moved 8[0-9a-f]{7}$'
    has "$trace" '^still 80[0-9a-f]{6}$'
    [ "$(sed -n 's/^moved //p' "$dir/out")" != "$(sed -n 's/^still //p' "$dir/out")" ] ||
        fail "$trace" 'both have the same symbols'
done
[ $bad -eq 0 ] && echo 'start.sh: good'
