/*
 * The kernel's symbols for gdb: the recorded kernel file if it has a symbol
 * table, else what the recorder found in the running kernel (kallsyms, which is
 * right for stripped, self-decompressing and relocated kernels, too) and put
 * into the trace. All that is there at once; a session never waits for it.
 *
 * A trace that was cut too early, or made by a recorder that did not look, has
 * none. Then "monitor symbols" looks for them, which may replay the beginning
 * of the trace: up to the first interrupt of each VM.
 */
#ifndef GDB_VM_SYMBOLS_H
#define GDB_VM_SYMBOLS_H

#include "gdb/vm_target.h"

/* Puts an ELF file for each VM into t->symbols. Where none are known it is empty; with several
 * VMs, or for a big-endian one, it is then an ELF file without any, which tells gdb the byte order.
 * Without `wanted` no VM has any. Replays nothing. */
void vm_symbols_take(struct vm_target *t, bool wanted);
/* Is there a VM whose symbols "monitor symbols" would look for? */
bool vm_symbols_missing(const struct vm_target *t);

/* For the Python of the gdb that we start when symbols are missing: its "symbols" command, which
 * also runs before the first command that asks for a name. */
extern const char vm_symbols_python[];

/* "monitor symbols": begins; the slices do it, as in vm_monitor_slice, and come back to the present
 * position. */
void vm_symbols_search(struct vm_target *t, char *args, struct buf *out);
bool vm_symbols_slice(struct vm_target *t, struct buf *out);

#endif
