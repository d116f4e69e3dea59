/*
 * The names that a Linux kernel carries for its own functions (CONFIG_KALLSYMS),
 * found in an image of guest memory without knowing where the kernel is.
 * Formats of Linux 4.20 and later, as scripts/kallsyms.c writes them.
 *
 * The image is hostile: whatever it holds, no byte outside of it is read, and
 * time and memory have limits of their own (about half a second, 128 MiB).
 */
#ifndef CORE_KALLSYMS_H
#define CORE_KALLSYMS_H

#include "core/base/kernel_symbol.h"

struct kallsyms {
    struct kernel_symbol *list; /* owned; ascending by address */
    size_t count;
    char *names;     /* owned: the text behind the list's names */
    size_t table_at; /* where in the image the tables are (kallsyms_token_table) */
    bool in_place;   /* the image starts at physical 0 and the tables lie inside their own kernel */
};

/* Finds the kernel's symbols in `ram`, for kernels with pointers of `width`
 * bytes (4 or 8). False, with `out` empty, if there are none. A kernel that
 * moved at boot (KASLR) leaves a copy with old addresses below the live one:
 * the highest copy wins, those that are in place before all others.
 * Pages of PAGE_SIZE that are not `present` (NULL: all are) hold zeros, and
 * are not looked through. */
bool kallsyms_find(const uint8_t *ram, size_t n, bool big_endian, unsigned width,
                   const bool *present, struct kallsyms *out);
void kallsyms_free(struct kallsyms *k); /* back to empty */

#endif
