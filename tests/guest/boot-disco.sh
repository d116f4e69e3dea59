#!/bin/sh
# Records the boot of one of the Debian guests in disco, with the dialogue that boot-qemu.sh holds.
#
#   sh tests/guest/boot-disco.sh GUEST BUILD-DIR [RECORD-OPTION...]
#
# Leaves BUILD-DIR/guests/GUEST.zst (the trace), GUEST.disco.txt (the transcript) and its normalised
# form GUEST.disco.norm.txt. RECORD-OPTIONs are put in front; "-o none" for example wins over the
# trace's name. DISCO_ENGINE=jit|interp chooses the engine; the files then are GUEST.ENGINE.*.
set -eu

tests=$(cd "$(dirname "$0")/.." && pwd)
# shellcheck source=tests/guest/guests.sh
. "$tests/guest/guests.sh"

[ $# -ge 2 ] || {
    echo "usage: boot-disco.sh GUEST BUILD-DIR [RECORD-OPTION...]" >&2
    exit 1
}
name=$1
build=$2
guests=$build/guests
shift 2
guest_select "$name" "$guests"
if [ -n "${DISCO_ENGINE-}" ]; then
    name=$name.$DISCO_ENGINE
    set -- "$@" --engine "$DISCO_ENGINE"
fi

case " $* " in
*' -o '*) ;;
*)
    rm -f "$guests/$name.zst"
    set -- "$@" -o "$guests/$name.zst"
    ;;
esac
set -- "$@" -M malta -m 256M -kernel "$guest_kernel" -append "$guest_append" \
    -no-reboot --timeout 300
[ -z "$guest_initrd" ] || set -- "$@" -initrd "$guest_initrd"
[ -z "$guest_until" ] || set -- "$@" --until-text "$guest_until"
while IFS= read -r reply; do
    [ -z "$reply" ] || set -- "$@" --reply "$reply"'\n'
done <<END
$guest_replies
END

"$build/disco-record" "$@" </dev/null >"$guests/$name.disco.txt"
sh "$tests/lib/normalise.sh" <"$guests/$name.disco.txt" >"$guests/$name.disco.norm.txt"
