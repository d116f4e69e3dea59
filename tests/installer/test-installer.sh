#!/bin/sh
# Debian's installer comes up to its first menu, and the trace of that replays.
#
#   sh tests/installer/test-installer.sh BUILD-DIR [RECORD-OPTION...]
#
# first-menu.txt is what the same guest's screen shows in qemu 7.2.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
last_words='activates buttons' # the bottom line of the first menu

fail()
{
    echo "test-installer.sh: $*" >&2
    exit 1
}

[ $# -ge 1 ] || fail "usage: test-installer.sh BUILD-DIR [RECORD-OPTION...]"
build=$1
shift
guest=$build/guests/installer
[ -s "$guest/vmlinuz" ] && [ -s "$guest/initrd.gz" ] ||
    fail "$guest has no installer: run tests/lib/fetch-guests.sh"

console=$guest/disco.txt
rm -f "$guest/trace.zst"
"$build/disco-record" ${DISCO_ENGINE:+"--engine=$DISCO_ENGINE"} -o "$guest/trace.zst" \
    -M malta -m 512M -kernel "$guest/vmlinuz" -initrd "$guest/initrd.gz" \
    -append console=ttyS0 -rtc base=2026-01-31 -seed 1 \
    --until-text "$last_words" \
    --timeout 1200 "$@" </dev/null >"$console" || {
    tail -n 20 "$console"
    fail "the first menu did not come"
}
python3 "$here/screen-text.py" '[!!] Select a language' <"$console" |
    diff -u "$here/first-menu.txt" - || fail "the first menu is another"
"$build/disco-replay" ${DISCO_ENGINE:+"--engine=$DISCO_ENGINE"} --verify "$guest/trace.zst"
