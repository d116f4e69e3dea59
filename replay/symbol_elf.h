/*
 * A small ELF executable for MIPS that holds nothing but a symbol table: gdb
 * learns the names of a stripped kernel from it and reads code and data from
 * the target, because the sections have no contents (SHT_NOBITS).
 *
 * There is no note and no OS/ABI, so that the target description decides.
 */
#ifndef REPLAY_SYMBOL_ELF_H
#define REPLAY_SYMBOL_ELF_H

#include "core/base/buf.h"
#include "core/base/kernel_symbol.h"

/* Puts the file into `out` (cleared first): ELF32 for o32 and MIPS32r2 with
 * `width` 4, ELF64 for n64 and MIPS64r2 with `width` 8. `list` must ascend by
 * address and may be empty. */
void symbol_elf_build(const struct kernel_symbol *list, size_t count, bool big_endian,
                      unsigned width, struct buf *out);

#endif
