#!/bin/sh
# Boots one of the Debian guests in qemu, with its scripted dialogue.
#
#   sh tests/guest/boot-qemu.sh GUEST BUILD-DIR [QEMU-OPTION...]
#
# The transcript goes to BUILD-DIR/guests/GUEST.qemu.txt, normalised to GUEST.qemu.norm.txt.
# QEMU-OPTIONs, such as -icount shift=2, are appended to the command.
set -eu

tests=$(cd "$(dirname "$0")/.." && pwd)
# shellcheck source=tests/guest/guests.sh
. "$tests/guest/guests.sh"

[ $# -ge 2 ] || {
    echo "usage: boot-qemu.sh GUEST BUILD-DIR [QEMU-OPTION...]" >&2
    exit 1
}
name=$1
guests=$2/guests
shift 2
options=$*
guest_select "$name" "$guests"

set -- --timeout 120
[ -z "$guest_until" ] || set -- "$@" --until "$guest_until"
while IFS= read -r reply; do
    [ -z "$reply" ] || set -- "$@" --reply "$reply"
done <<END
$guest_replies
END

# Without a network and a video card: their ROMs are in packages that nothing else here needs.
set -- "$@" -- qemu-system-mipsel -M malta -m 256M -nic none -vga none -no-reboot \
    -display none -monitor none -serial stdio \
    -kernel "$guest_kernel" -append "$guest_append"
[ -z "$guest_initrd" ] || set -- "$@" -initrd "$guest_initrd"
# shellcheck disable=SC2086 # a list of words
python3 "$tests/lib/drive-console.py" "$@" $options >"$guests/$name.qemu.txt"
sh "$tests/lib/normalise.sh" <"$guests/$name.qemu.txt" >"$guests/$name.qemu.norm.txt"
