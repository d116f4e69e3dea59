# What the guests of the clusters have in common; their inits read it first.
#
# Words of the kernel's command line that the kernel does not know, NAME=VALUE, are variables here.

# shellcheck shell=sh
/bin/busybox mkdir -p /proc /sys /dev /tmp
/bin/busybox mount -t proc proc /proc
/bin/busybox mount -t sysfs sys /sys
/bin/busybox mount -t devtmpfs dev /dev
/bin/busybox mount -t tmpfs tmp /tmp
/bin/busybox --install -s /bin
# The kernel calls /sbin/modprobe for what it lacks: ext4 needs a checksum, for instance.
ln -s /bin /sbin
export PATH=/bin HOME=/
exec </dev/console >/dev/console 2>&1

# die TEXT...: says that the guest failed, and powers off.
die()
{
    echo "FAIL $*"
    poweroff -f
}

# try COMMAND...: runs it; the guest ends if it fails.
try()
{
    "$@" || die "$*"
}

# settle COMMAND...: runs it until it succeeds, for as long as a minute.
settle()
{
    settle_tries=0
    until "$@" >/dev/null 2>&1; do
        settle_tries=$((settle_tries + 1))
        [ $settle_tries -lt 600 ] || die "not in a minute: $*"
        usleep 100000
    done
}

# Loads the drivers of the virtio devices that are there.
load_drivers()
{
    try modprobe virtio_pci
    for device in /sys/bus/virtio/devices/*; do
        [ -e "$device" ] || continue
        modprobe "$(cat "$device/modalias")" || die "no driver for $(cat "$device/modalias")"
        echo "DEVICE $(cat "$device/device") $(basename "$(readlink "$device/driver")")"
    done
}

# now: prints the time since power-on in hundredths of a second.
now()
{
    sed 's/ .*//; s/\.//' /proc/uptime
}
