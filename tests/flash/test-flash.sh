#!/bin/sh
# -bios with a raw flash image, in one byte order: it runs, prints, and its trace replays.
#
#   sh tests/flash/test-flash.sh little|big COMPILER OBJCOPY BUILD-DIR
set -eu

here=$(cd "$(dirname "$0")" && pwd)
order=$1
build=$4
base=$build/tests/flash/$order
"$2" -mips32r2 -mno-abicalls -fno-pic -nostdlib -static -no-pie -Wl,--build-id=none \
    -Wl,-e,_start -Wl,-Ttext=0xbfc00000 -o "$base.elf" "$here/flash.S"
"$3" -O binary -j .text "$base.elf" "$base.bin"
"$build/disco-record" ${DISCO_ENGINE:+"--engine=$DISCO_ENGINE"} -o "$base.zst" -m 16M \
    -bios "$base.bin" -endian "$order" -no-reboot --timeout 30 </dev/null >"$base.txt"
tr -d '\r' <"$base.txt" | grep -qx 'flash: PASS'
"$build/disco-replay" ${DISCO_ENGINE:+"--engine=$DISCO_ENGINE"} --verify "$base.zst"
