#!/bin/sh
# Records the guest `touch` with a disk of four blocks, which lies beside the trace.
#
#   sh tests/gdb/record-touch.sh BUILD-DIR el|eb TRACE
set -eu

build=$1
order=$2
trace=$3
rm -f "$trace"
seq -w 1000 5095 | tr -d '\n' >"$trace.img"
exec "$build/disco-record" ${DISCO_ENGINE:+"--engine=$DISCO_ENGINE"} -q -o "$trace" -M malta -m 64M \
    -kernel "$build/tests/guest/touch.$order.elf" -drive "file=$trace.img,if=ide,format=raw" \
    -device virtio-rng-pci -device virtio-balloon-pci -append again --until-text PASS \
    --timeout 50 </dev/null >"$trace.console"
