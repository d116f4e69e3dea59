/*
 * The names that a Linux kernel carries for its own functions (CONFIG_KALLSYMS),
 * found in an image of guest memory without knowing where the kernel is.
 * Formats of Linux 4.20 and later, as scripts/kallsyms.c writes them.
 *
 * The image is hostile: whatever it holds, no byte outside of it is read, and
 * time and memory have limits of their own (about half a second, 128 MiB).
 */
#ifndef REPLAY_KALLSYMS_H
#define REPLAY_KALLSYMS_H

#include "core/base/base.h"

struct kallsyms_symbol {
    uint64_t address; /* virtual, sign-extended from the kernel's pointers */
    const char *name; /* owned by the table: printable ASCII, 1 to 1023 bytes */
    char type;        /* the letter of nm(1); lower case: local to its file */
};

struct kallsyms {
    struct kallsyms_symbol *list; /* owned; ascending by address */
    size_t count;
    char *names;     /* owned: the text behind the list's names */
    size_t table_at; /* where in the image the tables are (kallsyms_token_table) */
    bool in_place;   /* the image starts at physical 0 and the tables lie inside their own kernel */
};

/* Finds the kernel's symbols in `ram`, for kernels with pointers of `width`
 * bytes (4 or 8). False, with `out` empty, if there are none. A kernel that
 * moved at boot (KASLR) leaves a copy with old addresses below the live one:
 * the highest copy wins, those that are in place before all others. */
bool kallsyms_find(const uint8_t *ram, size_t n, bool big_endian, unsigned width,
                   struct kallsyms *out);
void kallsyms_free(struct kallsyms *k); /* back to empty */

#endif
