#!/bin/sh
# The packaged kernel, which decompresses itself, says the same in disco as in qemu, line by line
# and in the same order, its debugging messages included. What tests/lib/normalise.sh takes out or
# rewrites, with a reason each, is all that may differ.
#
#   sh tests/installer/test-console.sh BUILD-DIR
set -eu

here=$(cd "$(dirname "$0")" && pwd)
tests=$here/..

fail()
{
    echo "test-console.sh: $*" >&2
    exit 1
}

[ $# -eq 1 ] || fail "usage: test-console.sh BUILD-DIR"
guests=$1/guests
append='console=ttyS0 nokaslr panic=1 ignore_loglevel cryptomgr.notests'

"$1/disco-record" ${DISCO_ENGINE:+"--engine=$DISCO_ENGINE"} -o none -M malta -m 256M \
    -kernel "$guests/vmlinuz" -initrd "$guests/shell.cpio.gz" -append "$append" \
    --reply '# =poweroff -f\n' --timeout 300 \
    </dev/null >"$guests/console.disco.txt" || fail "disco-record did not end well"
python3 "$tests/lib/drive-console.py" --timeout 120 --reply '# =poweroff -f' -- \
    qemu-system-mipsel -M malta -m 256M -nic none -vga none -no-reboot -display none \
    -monitor none -serial stdio -kernel "$guests/vmlinuz" -initrd "$guests/shell.cpio.gz" \
    -append "$append" >"$guests/console.qemu.txt" || fail "qemu did not end well"
for monitor in disco qemu; do
    sh "$tests/lib/normalise.sh" <"$guests/console.$monitor.txt" \
        >"$guests/console.$monitor.norm.txt"
done
[ "$(wc -l <"$guests/console.disco.norm.txt")" -gt 150 ] || fail "the transcript is too short"
diff -u "$guests/console.qemu.norm.txt" "$guests/console.disco.norm.txt"
