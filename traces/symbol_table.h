/*
 * The symbols of a guest's kernel in a trace: message Symbols says whose they
 * are, and the table itself is a blob, so that VMs with the same kernel share
 * it. Decoders treat what they get as hostile.
 */
#ifndef TRACES_SYMBOL_TABLE_H
#define TRACES_SYMBOL_TABLE_H

#include "core/base/buf.h"
#include "core/base/err.h"
#include "core/base/kernel_symbol.h"

#define SYMBOL_TABLE_MAX ((size_t)16 << 20) /* bytes of a table, packed */

struct symbol_table {
    struct kernel_symbol *list; /* owned; ascending by address */
    size_t count;
    void *memory; /* owned: the names */
};

/* Puts a table into `out` (cleared first). `list` ascends by address. False: it is larger than a
 * trace may hold. */
bool symbol_table_pack(const struct kernel_symbol *list, size_t count, struct buf *out);
int symbol_table_unpack(const uint8_t *data, size_t n, struct symbol_table *t, struct err *e);
void symbol_table_free(struct symbol_table *t); /* back to empty */

#endif
