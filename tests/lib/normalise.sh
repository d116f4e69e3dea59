#!/bin/sh
# Normalises a guest's console transcript: takes out of it what may differ between two right
# machines, so that the rest can be compared with diff. Reads standard input.
#
# Every rule says why the difference is no defect. Whatever has no rule must be equal.
set -eu

# The kernel may speak while a program is in the middle of a line, whose rest then follows on the
# next one; where it does depends on timing. Its words become a line before the program's, so that
# the rules below see both whole.
tr -d '\r' | awk '
/^\[ *[0-9]+\.[0-9]+\] / { print; next }
match($0, /\[ *[0-9]+\.[0-9]+\] /) {
    begun = begun substr($0, 1, RSTART - 1)
    print substr($0, RSTART)
    next
}
{ print begun $0; begun = "" }
END { if (begun != "") print begun }
' | sed -E '
# Where busybox asks for the cursor position.
s/\x1b\[6n//g

# Time stamps: how fast the guest runs is the machine'"'"'s own affair.
s/^\[ *[0-9]+\.[0-9]+\] //
s/^Calibrating delay loop\.\.\. .*/Calibrating delay loop... N BogoMIPS/
s/^CPU frequency .*/CPU frequency N MHz/
s/^sched_clock: 32 bits at .*/sched_clock: 32 bits at N MHz/
s/^(clocksource: [^:]*): .*/\1: N/

# Derived from the speed of the delay loop.
s/^FPU Affinity set after [0-9]+ emulations/FPU Affinity set after N emulations/

# The PIT of qemu ticks from reset, that of disco from when it is programmed; the first look of the
# kernel at the interrupt controller may find such a request just gone.
/^spurious 8259A interrupt: IRQ7\.$/d

# How long a step of the start took, which the kernel says when it was long; in qemu that is the
# time of the host.
/^pci .*: quirk_.* took [0-9]+ usecs$/d

# The wall clock.
s/setting system clock to .*/setting system clock to T/
s/^(audit: type=2000 audit)\([0-9.:]+\)/\1(T)/

# Where the loader puts the initrd, and what that leaves of the memory.
s/rd_start=0x[0-9a-f]+/rd_start=A/
s/^Initial ramdisk at: 0x[0-9a-f]+/Initial ramdisk at: A/
s/^Memory: [0-9]+K/Memory: N/
s/^(Memory: .*), [0-9]+K reserved/\1, N reserved/
s/Total pages: [0-9]+/Total pages: N/

# The sizes of the caches, which have no effect but this line.
s/^(Primary (instruction|data) cache) .*/\1/

# The seed for the random generator: a boot loader may give one or not, and early or late.
/^random: crng init done$/d

# Work that the kernel does in the background: when its lines come depends on timing.
/^Trying to unpack rootfs image as initramfs\.\.\.$/d
/^Freeing initrd memory: /d
/^input: .* as \/devices\/platform\/i8042\//d
' | awk '
# The first record of the audit thread: the thread is started at one place in each boot, but when it
# comes to print depends on timing. Its line must be there, once, and is compared at the end.
/^audit: type=2000 audit/ { audit = audit $0 "\n"; next }
{ print }
END { printf "%s", audit }
'
