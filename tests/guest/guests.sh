# The Debian guests of the tests: what each boots, what is typed at it, and how it ends.
# To be sourced; `guest_select NAME DIR` then sets, for the guest NAME with its files in DIR:
#   guest_kernel guest_initrd guest_append    what is booted (guest_initrd may be empty)
#   guest_replies    lines TEXT=ANSWER: when TEXT is printed, ANSWER is typed
#   guest_until      text that ends the run, or empty: it powers itself off
#
# nokaslr keeps the kernel at its linked address, where gdb's symbols are. panic=1 makes a panic
# print "Rebooting in 1 seconds.." and reset the board, which ends the run.

# shellcheck shell=sh disable=SC2034 # the variables are the result
guest_names='shell batch other no-root bad-init stripped'

guest_select()
{
    guest_kernel=$2/vmlinux
    guest_initrd=
    guest_append='console=ttyS0 nokaslr panic=1'
    guest_replies=
    guest_until=
    case $1 in
    shell)
        guest_initrd=$2/shell.cpio.gz
        guest_replies='# =uname -a
# =cat /proc/interrupts | head -n 1
# =echo $((6 * 7)) >/tmp/answer; cat /tmp/answer
# =find /sys | wc -l >/dev/null; md5sum /bin/busybox
# =poweroff -f'
        ;;
    batch)
        guest_initrd=$2/batch.cpio.gz
        ;;
    other)
        guest_kernel=$2/vmlinux-other
        guest_initrd=$2/batch.cpio.gz
        ;;
    no-root)
        guest_append="$guest_append root=/dev/sda1"
        guest_until='Rebooting in 1 seconds..'
        ;;
    bad-init)
        guest_initrd=$2/bad-init.cpio.gz
        guest_until='Rebooting in 1 seconds..'
        ;;
    stripped) # unpacks and moves itself
        guest_kernel=$2/vmlinuz
        guest_append='console=ttyS0 panic=1'
        guest_initrd=$2/bad-init.cpio.gz
        guest_until='Rebooting in 1 seconds..'
        ;;
    *)
        echo "guests.sh: unknown guest '$1' (known: $guest_names)" >&2
        return 1
        ;;
    esac
}
