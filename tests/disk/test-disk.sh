#!/bin/sh
# Disks, virtio-rng and the virtio console under the real kernel: the disk guest runs in disco, its
# images are moved away and the trace is replayed, and what it said is compared with qemu.
#
#   sh tests/disk/test-disk.sh virtio|ide BUILD-DIR
set -eu

here=$(cd "$(dirname "$0")" && pwd)

fail()
{
    echo "test-disk.sh: $*" >&2
    exit 1
}

[ $# -eq 2 ] || fail "usage: test-disk.sh virtio|ide BUILD-DIR"
kind=$1
build=$2
sh "$here/make-disk-guest.sh" "$build"
guests=$build/guests
out=$guests/disk-$kind
rm -rf "$out"
mkdir "$out"
cp "$guests/disk-files.img" "$out/first.img"
cp "$guests/disk-empty.img" "$out/second.img"
cp "$guests/disk-files.img" "$out/third.img"
sums=$(cd "$out" && sha256sum ./*.img)

# Where there is a choice, qemu gets the slots that disco uses.
if [ "$kind" = virtio ]; then
    disco_options="-drive file=$out/first.img,if=virtio -drive file=$out/second.img,if=virtio
        -drive file=$out/third.img,if=virtio,readonly=on
        -device virtio-rng-pci -device virtio-serial-pci"
    qemu_options="-drive file=$out/first.img,format=raw,if=none,id=first
        -drive file=$out/second.img,format=raw,if=none,id=second
        -drive file=$out/third.img,format=raw,if=none,id=third,readonly=on
        -device virtio-blk-pci,drive=first,addr=0x12
        -device virtio-blk-pci,drive=second,addr=0x13
        -device virtio-blk-pci,drive=third,addr=0x14
        -device virtio-rng-pci,addr=0x15 -device virtio-serial-pci,addr=0xc
        -device virtconsole,chardev=c"
else
    disco_options="-drive file=$out/first.img,if=ide -drive file=$out/second.img,if=ide"
    qemu_options="-drive file=$out/first.img,format=raw,if=ide
        -drive file=$out/second.img,format=raw,if=ide"
fi
# Without the kernel's tests of its own cryptography, which are most of the boot.
append="console=ttyS0 nokaslr panic=1 quiet cryptomgr.notests disk=$kind"

# clean FILE: what the guest's init said. The rest of the boot is compared by system.console.
clean()
{
    tr -d '\r' <"$1" | sed -E '1,/^disk: begin/{/^disk: begin/!d}; /^\[ *[0-9.]+\] /d'
}

# shellcheck disable=SC2086 # lists of words
"$build/disco-record" ${DISCO_ENGINE:+"--engine=$DISCO_ENGINE"} -o "$out/trace.zst" \
    -M malta -m 128M -kernel "$guests/vmlinux" -initrd "$guests/disk.cpio.gz" \
    -append "$append" -rtc base=2026-01-31T12:00:00 $disco_options --timeout 200 \
    </dev/null >"$out/disco.txt" ||
    fail "disco-record did not end well: $out/disco.txt"
clean "$out/disco.txt" >"$out/disco.clean.txt"
cat "$out/disco.clean.txt"
[ "$sums" = "$(cd "$out" && sha256sum ./*.img)" ] || fail "an image file was changed"
grep -qx 'disk: PASS' "$out/disco.clean.txt" || fail "the guest did not say PASS"
[ "$kind" != ide ] || grep -q '^disk: modes XFER_UDMA' "$out/disco.clean.txt" ||
    fail "the kernel did not use DMA"

mkdir "$out/away"
mv "$out"/*.img "$out/away"
"$build/disco-replay" ${DISCO_ENGINE:+"--engine=$DISCO_ENGINE"} --verify "$out/trace.zst" ||
    fail "the trace does not replay by itself"
mv "$out"/away/*.img "$out"
"$build/disco-trace" stats "$out/trace.zst"

# shellcheck disable=SC2086 # lists of words
timeout 120 qemu-system-mipsel -M malta -m 128M -nic none -vga none -no-reboot -display none \
    -monitor none -chardev stdio,id=c,mux=on,signal=off -serial chardev:c -snapshot \
    -rtc base=2026-01-31T12:00:00 -kernel "$guests/vmlinux" -initrd "$guests/disk.cpio.gz" \
    -append "$append" $qemu_options </dev/null >"$out/qemu.txt" ||
    fail "qemu did not end well: $out/qemu.txt"
clean "$out/qemu.txt" >"$out/qemu.clean.txt"
diff -u "$out/qemu.clean.txt" "$out/disco.clean.txt"
