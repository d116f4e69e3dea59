#!/bin/sh
# The demonstration: record a Linux that panics, check the trace, and walk back under gdb from the
# panic to the store that caused it.
#
#   sh tests/demo.sh
#
# Installs what is missing (asks sudo for it), builds into build/, fetches Debian's kernel for the
# Malta board, and leaves the trace in build/demo.zst for a look of your own.
set -eu

root=$(cd "$(dirname "$0")/.." && pwd)
cd "$root"
guests=build/guests
trace=build/demo.zst

say()
{
    printf '\n== %s\n' "$*"
}

# show COMMAND...: prints a command as one would type it, and runs it.
show()
{
    printf '$'
    for word in "$@"; do
        case $word in
        *[!A-Za-z0-9_./=:,%+-]*) printf " '%s'" "$word" ;;
        *) printf ' %s' "$word" ;;
        esac
    done
    printf '\n'
    "$@"
}

sh tests/lib/install.sh --demo

say 'building disco (into build/)'
mkdir -p build
cmake -S . -B build -G Ninja -DCMAKE_BUILD_TYPE=Release -DDISCO_TESTS=OFF \
    >build/configure.log 2>&1 || {
    cat build/configure.log
    exit 1
}
cmake --build build -j2 >build/build.log || {
    tail -n 40 build/build.log
    exit 1
}

say "the guest: Debian's kernel, and an init with a defect (tests/guest/initramfs/bad-init.c)"
sh tests/lib/fetch-guests.sh build --no-installer
sh tests/guest/initramfs/make-initramfs.sh bad-init build
sed 's/ [^ ]*$//' $guests/VERSION

say '1. record its boot, until it panics'
rm -f $trace
show build/disco-record -o $trace -M malta -m 256M -kernel $guests/vmlinux \
    -initrd $guests/bad-init.cpio.gz -append 'console=ttyS0 nokaslr panic=1' \
    --until-text 'Rebooting in' --timeout 300 >build/demo.console
tail -n 16 build/demo.console
echo "(the trace of the whole run: $(wc -c <$trace) bytes)"

say '2. replay all of it and compare every event with the recording'
show build/disco-replay --verify $trace

say '3. from the panic back to its cause, under gdb (tests/gdb/demo.gdb)'
show build/disco-replay $trace -- -batch $guests/vmlinux -x tests/gdb/demo.gdb
