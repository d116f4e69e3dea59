#!/bin/sh
# Builds the guest of the disk tests and the images of its disks; the same input gives the same
# bytes.
#
#   sh tests/disk/make-disk-guest.sh BUILD-DIR
#
# Makes BUILD-DIR/guests/disk.cpio.gz (busybox, the kernel's modules for disks, disk-init), and
# disk-files.img (ext4, with files and their MD5 sums) and disk-empty.img (ext2) beside it. Does
# nothing if they are newer than what they are made of.
set -eu

here=$(cd "$(dirname "$0")" && pwd)

fail()
{
    echo "make-disk-guest.sh: $*" >&2
    exit 1
}

[ $# -eq 1 ] || fail "usage: make-disk-guest.sh BUILD-DIR"
guests=$(cd "$1/guests" 2>/dev/null && pwd) ||
    fail "$1/guests is missing: run tests/lib/fetch-guests.sh"
cpio=$guests/disk.cpio.gz
deb=$guests/debs/$(sed -n '1s/ .*//p' "$guests/VERSION").deb
[ -f "$deb" ] || fail "$deb is missing: run tests/lib/fetch-guests.sh"
PATH=$PATH:/usr/sbin:/sbin
command -v mke2fs >/dev/null || fail "mke2fs (package e2fsprogs) is missing"

if [ -f "$cpio" ] && [ "$cpio" -nt "$here/disk-init" ] &&
    [ "$cpio" -nt "$here/make-disk-guest.sh" ] && [ "$cpio" -nt "$deb" ]; then
    exit 0
fi

work=$(mktemp -d "$guests/disk-work.XXXXXX")
trap 'rm -rf "$work"' EXIT

# In the order in which insmod takes them: there is no depmod's list in the package.
modules='crypto/crc32c_generic lib/crc16 fs/mbcache fs/jbd2/jbd2 fs/ext4/ext4
    drivers/virtio/virtio drivers/virtio/virtio_ring drivers/virtio/virtio_pci_legacy_dev
    drivers/virtio/virtio_pci_modern_dev drivers/virtio/virtio_pci drivers/block/virtio_blk
    drivers/char/hw_random/virtio-rng drivers/char/virtio_console drivers/ata/ata_piix'

mkdir -p "$work/root/bin" "$work/root/modules" "$work/package"
dpkg-deb --fsys-tarfile "$deb" | tar -x -C "$work/package" ./lib/modules
for module in $modules; do
    cp "$work"/package/lib/modules/*/kernel/"$module.ko" "$work/root/modules/"
    echo "${module##*/}.ko" >>"$work/root/modules/order"
done
install -m 755 "$guests/busybox" "$work/root/bin/busybox"
install -m 755 "$here/disk-init" "$work/root/init"
cd "$work/root"
find . -exec touch -h -d @0 {} +
find . | LC_ALL=C sort | cpio --quiet -o -H newc -R 0:0 --reproducible | gzip -n -6 >"$work/cpio"

# Files of all sizes: empty, less than a block, with a hole, and one that no compression helps.
files=$work/files/files
mkdir -p "$files/sub"
: >"$files/empty"
echo 'written on the host' >"$files/text"
seq 1 20000 >"$files/sub/numbers"
truncate -s 300000 "$files/hole"
echo end >>"$files/hole"
python3 -c '
import hashlib, sys
for i in range(3000):
    sys.stdout.buffer.write(hashlib.sha512(b"block %d" % i).digest())
' >"$files/random"
cd "$work/files"
find files -type f | LC_ALL=C sort | xargs md5sum >MD5SUMS
sed 's, files/, ,' MD5SUMS >copy.md5
find . -exec touch -h -d @0 {} +

# make_image FILE OPTION...: a file system of 6 MiB whose bytes depend on the options alone.
make_image()
{
    image=$1
    shift
    truncate -s 6M "$image"
    E2FSPROGS_FAKE_TIME=1700000000 mke2fs -q -F -U 01234567-89ab-cdef-0123-456789abcdef \
        -E hash_seed=01234567-89ab-cdef-0123-456789abcdef,root_owner=0:0 "$@" "$image"
}
make_image "$work/files.img" -t ext4 -d "$work/files"
make_image "$work/empty.img" -t ext2
mv "$work/files.img" "$guests/disk-files.img"
mv "$work/empty.img" "$guests/disk-empty.img"
mv "$work/cpio" "$cpio"
