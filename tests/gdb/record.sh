#!/bin/sh
# Records one of the Debian guests for the tests with gdb.
#
#   sh tests/gdb/record.sh GUEST BUILD-DIR TRACE [RECORD-OPTION...]
#
# With options, nothing is typed at the guest, and they say when it ends.
set -eu

# shellcheck source=tests/guest/guests.sh
. "$(dirname "$0")/../guest/guests.sh"
name=$1
build=$2
trace=$3
shift 3
guest_select "$name" "$build/guests"
[ $# -gt 0 ] || set -- --until-text "$guest_until"
[ -z "$guest_initrd" ] || set -- "$@" -initrd "$guest_initrd"
rm -f "$trace"
exec "$build/disco-record" ${DISCO_ENGINE:+"--engine=$DISCO_ENGINE"} -q -o "$trace" \
    -M malta -m 256M -kernel "$guest_kernel" -append "$guest_append" --timeout 280 "$@" \
    </dev/null >"$trace.console"
