#!/bin/sh
# Drives gdb-multiarch against fake_server and compares its whole output.
# Usage: protocol.sh SERVER SCRIPT EXPECTED; UPDATE=1 prints instead of comparing.
set -eu
server=$1
script=$2
expected=$3
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT

"$server" "unix:$dir/s" > "$dir/server.out" 2>&1 &
pid=$!
i=0
while [ ! -S "$dir/s" ]; do
    i=$((i + 1))
    [ $i -lt 100 ] || { echo "the server does not start"; cat "$dir/server.out"; exit 1; }
    sleep 0.1
done

# The address where the interrupt struck is the one thing that differs from run to run.
timeout 120 gdb-multiarch -nx -q -batch -ex "set \$socket = \"$dir/s\"" -x "$script" 2>&1 |
    sed -e '/received signal SIGINT/{n;d}' -e "s|$dir/s|SOCKET|" > "$dir/out" || true

kill -TERM $pid
status=0
wait $pid || status=$?
echo "== server: status $status" >> "$dir/out"
tail -n 1 "$dir/server.out" >> "$dir/out"
if [ -n "${UPDATE:-}" ]; then
    cat "$dir/out"
    exit 0
fi
diff -u "$expected" "$dir/out"
