#!/bin/sh
# Runs the guests of the clusters under qemu and checks what they say: so that they ask for what is
# right. By hand; the clusters' own tests run them under disco.
#
#   sh tests/cluster/qemu.sh work BUILD-DIR [MEMORY [WORDS]]
#       one machine (64M, "work=1"); 12 seconds
#   sh tests/cluster/qemu.sh net BUILD-DIR [MTU [SIZE]]
#       server and client (8244, 64); 16 seconds
#
# The guests must have been made: see README.md in this folder.
set -eu

here=$(cd "$(dirname "$0")" && pwd)

fail()
{
    echo "qemu.sh: $*" >&2
    exit 1
}

[ $# -ge 2 ] || fail 'usage: qemu.sh work|net BUILD-DIR [...]'
kind=$1
guests=$2/guests
shift 2
out=$guests/qemu-$kind
rm -rf "$out"
mkdir "$out"
quiet='console=ttyS0 nokaslr panic=1 quiet cryptomgr.notests'

# machine NAME MEMORY WORDS OPTION...: runs one to its end; what it said is in $out/NAME.txt.
machine()
{
    name=$1
    memory=$2
    words=$3
    shift 3
    timeout 120 qemu-system-mipsel -M malta -m "$memory" -nic none -vga none -no-reboot \
        -display none -monitor none -serial stdio -kernel "$guests/vmlinux" \
        -initrd "$guests/$kind.cpio.gz" -append "$quiet $words" "$@" </dev/null |
        tr -d '\r' >"$out/$name.txt"
    grep -vE '^\[ *0' "$out/$name.txt"
}

case $kind in
work)
    machine work "${1:-64M}" "${2:-work=1}" -snapshot \
        -drive "file=$guests/work.img,format=raw,if=none,id=disk" \
        -device virtio-blk-pci,drive=disk -device virtio-balloon-pci
    grep -qx 'WORK end' "$out/work.txt" || fail 'the guest did not end its work'
    grep '^RESULT' "$out/work.txt" >"$out/results.txt"
    [ "$(wc -l <"$out/results.txt")" -ge 4 ] || fail 'results are missing'
    if grep -vxFf "$guests/work.results" "$out/results.txt"; then
        fail 'these results are wrong'
    fi
    ;;
net)
    mtu=${1:-8244}
    size=${2:-64}
    # Ports of the dynamic range, by the process, so that two runs do not meet.
    port=$((50000 + $$ % 10000))
    card="virtio-net-pci,netdev=net,romfile=,host_mtu=$mtu"
    machine server 256M "role=server ip=10.0.0.1 peer=10.0.0.2 size=$size" \
        -netdev "socket,id=net,listen=127.0.0.1:$port" -device "$card,mac=52:54:00:00:00:01" &
    sleep 1
    machine client 256M 'role=client ip=10.0.0.2 peer=10.0.0.1' \
        -netdev "socket,id=net,connect=127.0.0.1:$port" -device "$card,mac=52:54:00:00:00:02"
    wait
    sum=$(sh "$here/../guest/initramfs/make-payload.sh" "$size" | md5sum | sed 's/ .*//')
    grep -qE "^COPIED $((size * 1048576)) [0-9.]+ $sum\$" "$out/client.txt" ||
        fail "the client did not copy what has the MD5 $sum"
    for role in server client; do
        grep -qx "NET $role mtu $mtu" "$out/$role.txt" || fail "$role has another MTU than $mtu"
        grep -qx 'NET end' "$out/$role.txt" || fail "$role did not end well"
    done
    ;;
*)
    fail "unknown guest '$kind'"
    ;;
esac
