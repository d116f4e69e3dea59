#!/bin/sh
# Runs a script of gdb on the replay of a trace.
#
#   sh tests/gdb/run-gdb.sh BUILD-DIR TRACE SCRIPT.gdb EXPECTED   compares gdb's whole output
#   sh tests/gdb/run-gdb.sh BUILD-DIR TRACE SCRIPT.py             the script checks by itself
#
# DISCO_FILE is the program for gdb's first inferior (Debian's kernel); empty: what the replay has.
# DISCO_ENGINE=jit|interp chooses the engine. UPDATE=1 prints the output instead of comparing it.
# Addresses in the kernel and positions differ from one kernel and run to the next: KERNEL and N
# stand for them.
set -eu

build=$1
trace=$2
script=$3
expected=${4-}
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
build=$(cd "$build" && pwd)
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT

# The scripts name files as seen from the root of the source.
ln -s "$root/tests" "$dir/tests"
ln -s "$build" "$dir/build"
cd "$dir"
export DISCO_BUILD="$build" DISCO_TRACE="$trace" DISCO_GDB_TESTS="$here"
status=0
timeout 280 build/disco-replay ${DISCO_ENGINE:+"--engine=$DISCO_ENGINE"} "$trace" \
    -- -nx -batch ${DISCO_FILE-build/guests/vmlinux} -x "$script" >out 2>&1 || status=$?
if [ $status -ne 0 ]; then
    tail -n 40 out
    echo "run-gdb.sh: exit status $status"
    exit 1
fi
if [ -z "$expected" ]; then
    cat out
    grep -q '^checks: .* failed$' out || tail -n 20 gdb.log
    grep -q '^checks: .* 0 failed$' out
    exit
fi
sed -e 's/0x[89][0-9a-f]\{7\}/KERNEL/g' -e '/^position/s/[0-9.]\{2,\}/N/g' \
    -e 's/, pc [0-9a-fN]*$//' out >got
if [ -n "${UPDATE-}" ]; then
    cat got
else
    diff -u "$expected" got
fi
