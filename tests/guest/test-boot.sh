#!/bin/sh
# The test of one Debian guest: recorded in disco, the trace replayed and compared, and the
# transcript compared with qemu's.
#
#   sh tests/guest/test-boot.sh GUEST BUILD-DIR
set -eu

here=$(cd "$(dirname "$0")" && pwd)
name=$1
build=$2
files=$build/guests/$name${DISCO_ENGINE:+.$DISCO_ENGINE} # as boot-disco.sh names them

sh "$here/boot-disco.sh" "$name" "$build"
"$build/disco-replay" ${DISCO_ENGINE:+"--engine=$DISCO_ENGINE"} --verify "$files.zst"
sh "$here/boot-qemu.sh" "$name" "$build"
diff -u "$build/guests/$name.qemu.norm.txt" "$files.disco.norm.txt"
