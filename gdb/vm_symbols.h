/*
 * The kernel's symbols for gdb: the recorded kernel file if it has a symbol
 * table, else what the running kernel knows of itself (kallsyms), which is
 * right for stripped, self-decompressing and relocated kernels, too.
 */
#ifndef GDB_VM_SYMBOLS_H
#define GDB_VM_SYMBOLS_H

#include "core/base/buf.h"
#include "replay/timeline.h"

/* Puts an ELF file for each VM into out[vm]. Where no symbols were found it is empty; with several
 * VMs, or for a big-endian one, it is then an ELF file without any, which tells gdb the byte order.
 * Without `search` no symbols are looked for. May replay the beginning of the trace, up to the
 * first interrupt of each VM, and comes back to position 0; `progress` (may be NULL) is called now
 * and then on the way. */
void vm_symbols_find(struct timeline *t, bool search, struct buf out[VMS_MAX],
                     void (*progress)(const struct timeline *t));

#endif
