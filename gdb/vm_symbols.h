/*
 * The kernel's symbols for gdb: the recorded kernel file if it has a symbol
 * table, else what the running kernel knows of itself (kallsyms), which is
 * right for stripped, self-decompressing and relocated kernels, too.
 */
#ifndef GDB_VM_SYMBOLS_H
#define GDB_VM_SYMBOLS_H

#include "core/base/buf.h"
#include "replay/timeline.h"

/* Puts an ELF file into `out`. False: no symbols were found. May replay the
 * beginning of the trace, up to the first interrupt, and comes back to
 * position 0; `progress` (may be NULL) is called now and then on the way. */
bool vm_symbols_find(struct timeline *t, struct buf *out, void (*progress)(const struct timeline *t));

#endif
