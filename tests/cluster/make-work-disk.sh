#!/bin/sh
# Makes the disk of the work guest, one image for any number of machines; the same input gives the
# same bytes.
#
#   sh tests/cluster/make-work-disk.sh BUILD-DIR
#
# Makes BUILD-DIR/guests/work.img: ext4 with blocks of 4 KiB, without a journal, 64 MiB, with
#   part1 to part8    modules of the kernel, about 5 MiB a part
#   symbols           the kernel's functions and their addresses, as text
#   MD5SUMS           of all of these
# and BUILD-DIR/guests/work.results: the lines RESULT that the guest prints if it does all parts, as
# the host's own programs have them. Does nothing if the image is newer than what it is made of.
set -eu

here=$(cd "$(dirname "$0")" && pwd)

fail()
{
    echo "make-work-disk.sh: $*" >&2
    exit 1
}

[ $# -eq 1 ] || fail 'usage: make-work-disk.sh BUILD-DIR'
[ -f "$1/guests/VERSION" ] || fail "$1/guests is missing: run tests/lib/fetch-guests.sh"
guests=$(cd "$1/guests" && pwd)
image=$guests/work.img
deb=$guests/debs/$(sed -n '1s/ .*//p' "$guests/VERSION").deb
[ -f "$deb" ] || fail "$deb is missing: run tests/lib/fetch-guests.sh"
PATH=$PATH:/usr/sbin:/sbin
command -v mke2fs >/dev/null || fail 'mke2fs (package e2fsprogs) is missing'

if [ -f "$image" ] &&
    [ -z "$(find "$here/make-work-disk.sh" "$guests/VERSION" -newer "$image")" ]; then
    exit 0
fi

work=$(mktemp -d "$guests/work-disk.XXXXXX")
trap 'rm -rf "$work"' EXIT
mkdir "$work/package" "$work/files"
dpkg-deb --fsys-tarfile "$deb" | tar -x -C "$work/package" ./lib/modules

# Files in the order of their names fill one part after the other.
cd "$work"/package/lib/modules/*/kernel
find fs net -type f | LC_ALL=C sort | xargs stat -c '%s %n' | {
    part=1
    filled=0
    while read -r size name; do
        if [ $filled -gt 5500000 ] && [ $part -lt 8 ]; then
            part=$((part + 1))
            filled=0
        fi
        mkdir -p "$work/files/part$part/${name%/*}"
        cp "$name" "$work/files/part$part/$name"
        filled=$((filled + size))
    done
}
cd "$work/files"
[ -d part8 ] || fail "the kernel's modules are too few for 8 parts"
mipsel-linux-gnu-nm -n "$guests/vmlinux" >symbols
find . -type f | LC_ALL=C sort | xargs md5sum >../sums
mv ../sums MD5SUMS

# What tests/guest/initramfs/work-init does.
contents()
{
    (cd "$1" && find . -type f | LC_ALL=C sort | xargs md5sum)
}
{
    echo "disk $(md5sum <MD5SUMS)"
    for part in 1 2 3 4 5 6 7 8; do
        echo "part$part $(contents part$part | md5sum)"
    done
    echo "sorted $(LC_ALL=C sort -k 3 symbols | md5sum)"
    echo "symbols $(md5sum <symbols)"
} | sed 's/^/RESULT /; s/  -$//' >"$work/results"

# Written file by file in one order: mke2fs -d takes the order of the host's folders and its times.
export E2FSPROGS_FAKE_TIME=1700000000
truncate -s 64M "$work/image"
mke2fs -q -F -t ext4 -b 4096 -O '^has_journal' -U 01234567-89ab-cdef-0123-456789abcdef \
    -E hash_seed=01234567-89ab-cdef-0123-456789abcdef,root_owner=0:0 "$work/image"
{
    find . -mindepth 1 -type d | LC_ALL=C sort | sed 's/^/mkdir /'
    find . -type f | LC_ALL=C sort | sed 's/.*/write & &/'
} >"$work/commands"
debugfs -w -f "$work/commands" "$work/image" >"$work/log" 2>&1 ||
    fail "debugfs failed: $(grep -v '^debugfs:' "$work/log" | head -n 1)"
mv "$work/results" "$guests/work.results"
mv "$work/image" "$image"
