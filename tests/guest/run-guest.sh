#!/bin/sh
# Runs one bare-metal guest and checks that it says PASS.
#
#   sh tests/guest/run-guest.sh qemu  GUEST.elf [- - CPU]
#   sh tests/guest/run-guest.sh disco GUEST.elf DISCO-RECORD DISCO-REPLAY [CPU]
#
# With disco the run is recorded, and the trace is then replayed and compared. CPU is what follows
# -cpu (24Kf). Files that the run leaves (console, trace) stand beside the guest.
set -eu

fail()
{
    echo "run-guest.sh: $*" >&2
    exit 1
}

[ $# -ge 2 ] || fail "usage: run-guest.sh qemu|disco GUEST.elf [DISCO-RECORD DISCO-REPLAY [CPU]]"
monitor=$1
guest=$2
cpu=${5-24Kf}
console=${guest%.elf}${5+.$5}.$monitor.txt
trace=${guest%.elf}${5+.$5}.zst
[ -f "$guest" ] || fail "no file '$guest'"

case $monitor in
qemu)
    case $guest in
    *.eb.elf) qemu=qemu-system-mips ;;
    *) qemu=qemu-system-mipsel ;;
    esac
    # Without a network and a video card: their ROMs are in packages that nothing else here needs.
    timeout 50 $qemu -M malta -cpu "$cpu" -m 64M -nic none -vga none -no-reboot -display none -monitor none \
        -serial stdio -kernel "$guest" </dev/null >"$console" || {
        cat "$console"
        fail "qemu did not end well"
    }
    ;;
disco)
    rm -f "$trace"
    "$3" ${DISCO_ENGINE:+"--engine=$DISCO_ENGINE"} -o "$trace" -M malta -cpu "$cpu" -m 64M \
        -kernel "$guest" -no-reboot --timeout 100 </dev/null >"$console" || {
        cat "$console"
        fail "disco-record did not end well"
    }
    ;;
*)
    fail "unknown monitor '$monitor'"
    ;;
esac

cat "$console"
tr -d '\r' <"$console" | grep -qx 'PASS' || fail "$guest did not say PASS"
[ "$monitor" = qemu ] || "$4" ${DISCO_ENGINE:+"--engine=$DISCO_ENGINE"} --verify "$trace"
