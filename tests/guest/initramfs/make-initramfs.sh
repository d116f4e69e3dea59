#!/bin/sh
# Builds one of the guests' initramfs images; the same input gives the same bytes.
#
#   sh tests/guest/initramfs/make-initramfs.sh shell BUILD-DIR
#       makes BUILD-DIR/guests/shell.cpio.gz
#   sh tests/guest/initramfs/make-initramfs.sh batch BUILD-DIR
#       makes BUILD-DIR/guests/batch.cpio.gz: the same commands without a dialogue, for benchmarks
#   sh tests/guest/initramfs/make-initramfs.sh bad-init BUILD-DIR
#       makes BUILD-DIR/guests/bad-init.cpio.gz, and bad-init.elf with the symbols of its /init
#   sh tests/guest/initramfs/make-initramfs.sh bench BUILD-DIR
#       makes BUILD-DIR/guests/bench.cpio.gz: the CPU suite and programs of Debian's packages, which
#       tests/lib/fetch-guests.sh --bench has fetched; for tests/bench/bench.sh
#   sh tests/guest/initramfs/make-initramfs.sh work|net|streams BUILD-DIR
#       makes BUILD-DIR/guests/work.cpio.gz, net.cpio.gz or streams.cpio.gz: guests of the clusters, with modules of
#       the kernel; see tests/cluster/README.md
#
# Except for the bench guest, nothing is done if the image is newer than what it is made of.
# The guest "no-root", is a kernel without any initramfs: see tests/guest/guests.sh.
# /dev/console is not made here (that would need root): the kernel's built-in initramfs has it.
set -eu
umask 022

here=$(cd "$(dirname "$0")" && pwd)
bench=$here/../../bench

fail()
{
    echo "make-initramfs.sh: $*" >&2
    exit 1
}

[ $# -eq 2 ] || fail "usage: make-initramfs.sh shell|batch|bad-init|bench|work|net|streams BUILD-DIR"
kind=$1
mkdir -p "$2/guests"
guests=$(cd "$2/guests" && pwd)
root=$guests/root-$kind
image=$guests/$kind.cpio.gz
if [ -f "$image" ] && [ "$kind" != bench ] &&
    [ -z "$(find "$here" "$guests/busybox" "$guests/VERSION" -newer "$image" 2>/dev/null)" ]; then
    exit 0
fi
rm -rf "$root"
mkdir -p "$root"

# busybox and the guest's own init, which is a script for it.
install_busybox()
{
    [ -f "$guests/busybox" ] || fail "$guests/busybox is missing: run tests/lib/fetch-guests.sh"
    mkdir "$root/bin"
    install -m 755 "$guests/busybox" "$root/bin/busybox"
    install -m 755 "$here/$kind-init" "$root/init"
}

# install_modules NAME...: modules of the kernel and what they need.
install_modules()
{
    package=$(sed -n '1s/ .*//p' "$guests/VERSION")
    [ -f "$guests/debs/$package.deb" ] ||
        fail "the kernel's package is missing: run tests/lib/fetch-guests.sh"
    from=$guests/x-modules-$kind
    rm -rf "$from"
    mkdir "$from"
    dpkg-deb --fsys-tarfile "$guests/debs/$package.deb" | tar -x -C "$from" ./lib/modules
    version=$(ls "$from/lib/modules")
    python3 "$here/kernel-modules.py" "$from/lib/modules/$version" "$root/lib/modules/$version" "$@"
    rm -rf "$from"
}

# Programs of Debian's packages, their libraries, and what the benchmarks feed them.
install_programs()
{
    from=$guests/x-bench
    rm -rf "$from"
    mkdir "$from"
    while read -r package; do
        [ -f "$guests/debs/$package.deb" ] ||
            fail "$package.deb is missing: run tests/lib/fetch-guests.sh --bench"
        dpkg-deb -x "$guests/debs/$package.deb" "$from"
    done <"$bench/packages.txt"

    mkdir -p "$root/lib" "$root/usr/bin"
    for program in bin/bzip2 bin/gzip usr/bin/perl usr/bin/python3.11 usr/bin/sha256sum \
        usr/bin/sqlite3 usr/bin/xz; do
        install -m 755 "$from/$program" "$root/usr/bin"
    done
    for library in ld.so.1 libbz2.so.1.0 libc.so.6 libcrypt.so.1 libexpat.so.1 liblzma.so.5 \
        libm.so.6 libreadline.so.8 libtinfo.so.6 libz.so.1; do
        install -m 755 "$from/lib/mipsel-linux-gnu/$library" "$root/lib"
    done
    install -m 755 "$from/usr/lib/mipsel-linux-gnu/libsqlite3.so.0" "$root/lib"
    # Python's interpreter has all but the text encodings inside, and looks for os.py to know where
    # it is installed.
    mkdir -p "$root/usr/lib/python3.11/lib-dynload"
    cp -R "$from/usr/lib/python3.11/encodings" "$from/usr/lib/python3.11/os.py" \
        "$root/usr/lib/python3.11"
    cp -R "$bench/programs" "$root/programs"
    rm -rf "$from"
}

case $kind in
shell | batch)
    install_busybox
    ;;
bad-init)
    # -O1 keeps every function a function, and gdb's view of variables complete.
    mipsel-linux-gnu-gcc -std=c11 -O1 -g -gdwarf-4 -Wall -Wextra -mips32r2 -mno-abicalls -fno-pic \
        -G0 -ffreestanding -fno-stack-protector -fno-asynchronous-unwind-tables \
        -fdebug-prefix-map="$here=." -nostdlib -static -no-pie -Wl,--build-id=none \
        -o "$guests/bad-init.elf" "$here/bad-init.c"
    mipsel-linux-gnu-strip -o "$root/init" "$guests/bad-init.elf"
    chmod 755 "$root/init"
    ;;
bench)
    install_busybox
    install_programs
    install -m 644 "$bench/benchmarks.txt" "$root/benchmarks"
    # Hard float, without contraction: every machine computes the same to the last bit.
    mipsel-linux-gnu-gcc -std=gnu11 -O2 -Wall -Wextra -mips32r2 -mhard-float -ffp-contract=off \
        -fno-math-errno -static -s -Wl,--build-id=none \
        -o "$root/bin/cpu-suite" "$bench"/suite/*.c
    ;;
work)
    install_busybox
    install -m 644 "$here/common.sh" "$root"
    install_modules virtio_pci virtio_blk virtio_balloon ext4 crc32c_generic
    ;;
net)
    install_busybox
    install -m 644 "$here/common.sh" "$here/make-payload.sh" "$root"
    install_modules virtio_pci virtio_net virtio_balloon
    ;;
streams)
    install_busybox
    install -m 644 "$here/common.sh" "$root"
    install_modules virtio_pci virtio_net
    mipsel-linux-gnu-gcc -std=gnu11 -O2 -Wall -Wextra -mips32r2 -static -s -Wl,--build-id=none \
        -o "$root/bin/streams" "$here/streams.c"
    ;;
*)
    fail "unknown guest '$kind'"
    ;;
esac

cd "$root"
find . -exec touch -h -d @0 {} +
find . | LC_ALL=C sort |
    cpio --quiet -o -H newc -R 0:0 --reproducible |
    gzip -n -9 >"$image.new"
mv "$image.new" "$image"
rm -rf "$root"
