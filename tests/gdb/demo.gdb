# From a kernel's panic back to the store in user space that caused it.
# Run by tests/demo.sh: gdb is attached to the replay of the failing boot, at its start, and has
# the symbols of build/guests/vmlinux.
set pagination off
set confirm off
set print address on
set style enabled off
add-symbol-file build/guests/bad-init.elf
directory tests/guest/initramfs

echo \n-- Forward, to where the kernel gives up: panic(), called by do_exit() of init.\n
# With the star, gdb stops at the very first instruction, where the arguments still are in a0-a3.
break *panic
continue
printf "panic's message: %s", (char *)$a0
printf "  its argument:  0x%08x (killed by signal %d)\n", $a1, $a1 & 127
backtrace 4
monitor when
delete

echo \n-- Backward, to the page fault that killed init.\n
break *do_page_fault
reverse-continue
# struct pt_regs of 32-bit MIPS: 8 words of arguments, 32 registers, status, hi, lo, badvaddr,
# cause; then epc.
set $epc = *(unsigned *)($a0 + 4 * (8 + 32 + 5))
printf "the bad address: 0x%08x, touched by the instruction at 0x%08x\n", $a2, $epc
info line *$epc
delete

echo \n-- Backward, to that instruction, the last time that it ran.\n
tbreak *$epc
reverse-continue
backtrace 2
print *service

echo \n-- The pointer 'runs' holds letters. Who put them there? Watch it, and go on backward.\n
watch -location service->runs
reverse-continue
backtrace 3
monitor when
echo \n-- Found: copy_name() writes the name of a service past the end of its 12 bytes,\n
echo -- into the pointer behind it, and nobody noticed until the pointer was used.\n
list copy_name
delete

echo \n-- Which name? Backward once more, to where its copying began.\n
tbreak register_service
reverse-continue
printf "%d letters, for %d bytes\n", $_strlen(name), sizeof(services[0].name)
