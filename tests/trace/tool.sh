#!/bin/sh
# disco-trace on good, cut, damaged and different traces.
# Arguments: disco-trace, write_sample.
set -eu
tool=$1
write_sample=$2
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
"$write_sample" a.zst
"$write_sample" b.zst

fail() {
    echo "$1"
    exit 1
}
# expect STATUS TEXT COMMAND...: exit status, and text in what it prints
expect() {
    want=$1 text=$2 got=0
    shift 2
    "$@" >out 2>&1 || got=$?
    [ "$got" = "$want" ] || fail "$*: status $got instead of $want: $(cat out)"
    [ -z "$text" ] || grep -qF -- "$text" out || fail "$*: no \"$text\" in: $(cat out)"
}

expect 0 'a.zst: good, whole: 40 events, 2 inputs, 2 digests' "$tool" verify-file a.zst
expect 0 'state    whole' "$tool" info a.zst
expect 0 'vmlinux, 3000 bytes' "$tool" info a.zst
expect 0 'not embedded' "$tool" info a.zst
expect 0 'memory   1024 MiB, shared by disk, content, scanned at 12345 pages/s' "$tool" info a.zst
expect 0 'net 1    out\nside, with a gateway' "$tool" info a.zst
expect 0 'read-only, persistent' "$tool" info a.zst
expect 0 '02:d1:00:00:00:ff on network 1, mtu 65535' "$tool" info a.zst
expect 0 'out  100000 ns, 10000000000 bit/s, queue 0 bytes, 100.0000 % lost' "$tool" info a.zst
expect 0 'in   5 ns, jitter 10000000000 ns, any bandwidth' "$tool" info a.zst
expect 0 'in   0 ns, jitter 7 ns, 1 bit/s, queue 1 bytes, 0.1500 % lost' "$tool" info a.zst
expect 0 'claims at least 64 MiB, at most 201330688 bytes, shares 2000' "$tool" info a.zst
expect 0 'bytes per event' "$tool" stats a.zst
expect 0 'input console channel=2 "ls\n"' "$tool" dump --inputs a.zst
expect 0 'digest cycle=2000 events=20 cpu=1122334455667788' "$tool" dump --digests a.zst
expect 0 'Linux version 6\r\n' "$tool" dump --console a.zst
[ "$("$tool" dump a.zst | wc -l)" = 40 ] || fail 'dump prints not all events'
two=$("$tool" dump a.zst | awk '{print $4}' | sort -u | head -n 2 | paste -sd,)
kinds=$("$tool" dump --kind "$two" a.zst | awk '{print $4}' | sort -u | paste -sd,)
[ "$kinds" = "$two" ] || fail "dump --kind $two prints: $kinds"
low=$("$tool" dump --to 100 a.zst | wc -l)
high=$("$tool" dump --from 101 a.zst | wc -l)
[ $((low + high)) = 40 ] && [ "$low" -gt 0 ] && [ "$high" -gt 0 ] || fail "steps: $low + $high"
other=$("$tool" dump --pc 80100000-801000ff a.zst | grep -vc 'pc=801000' || true)
[ "$other" = 0 ] || fail 'dump --pc prints others'
"$tool" export console a.zst >out
printf 'Linux version 6\r\n' | cmp - out

expect 0 '' "$tool" diff a.zst b.zst
head -c 700 a.zst >cut.zst
expect 0 'cut' "$tool" verify-file cut.zst
expect 0 'state    cut: ' "$tool" info cut.zst
expect 2 'differ' "$tool" diff a.zst cut.zst

{ head -c 600 a.zst; printf 'XX'; tail -c +603 a.zst; } >bad.zst
expect 1 'disco-trace: bad.zst: offset ' "$tool" verify-file bad.zst
[ "$(wc -l <out)" = 1 ] || fail 'more than one line'
: >empty.zst
expect 1 'disco-trace: empty.zst: not a trace: the file is empty' "$tool" info empty.zst
expect 1 'No such file' "$tool" info none.zst
expect 1 'unknown command' "$tool" frobnicate a.zst
expect 1 'no kind of event "x"' "$tool" dump --kind x a.zst
expect 0 'verify-file' "$tool" --help
expect 0 'disco-trace' "$tool" --version
