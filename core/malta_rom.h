/*
 * What stands in the boot flash of a Malta board where a kernel is started
 * without firmware: a stub behind the reset vector, and the exception vectors
 * of early code (Status.BEV) and of debug mode, as firmware leaves them.
 *
 * The stub clears Status.ERL, moves the GT-64120's registers to 0x1be00000, opens
 * the PCI windows and calls the kernel; if that returns, the vcpu sleeps. The debug vector goes on at 0x80000300, where a kernel
 * puts its handler, with all registers as they were but DESave, which is the
 * handler's. All other vectors halt the machine (MALTA_FPGA_HALT), with EPC and
 * Cause as the exception left them: firmware has nothing to offer there but to
 * show them. Nothing here raises an NMI or a soft reset, so the reset vector is
 * the stub's alone.
 *
 * Source: MIPS32 volume III, chapter 6 (vectors); YAMON User's Manual (debug
 * vector).
 */
#ifndef CORE_MALTA_ROM_H
#define CORE_MALTA_ROM_H

#include <stdint.h>

struct vm;

#define MALTA_BOOT_FLASH 0x1fc00000u

/* What the kernel finds in its registers. */
struct malta_entry {
    uint32_t pc, sp;
    uint32_t arg[4]; /* a0 to a3 */
};

void malta_rom_write(struct vm *vm, const struct malta_entry *entry);
/* A word of memory, in the vcpus' byte order. */
void malta_rom_word(struct vm *vm, uint64_t pa, uint32_t value);

#endif
