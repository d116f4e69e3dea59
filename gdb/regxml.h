/* gdb's target description (target.xml), made from a register table. */
#ifndef GDB_REGXML_H
#define GDB_REGXML_H

#include "gdb/target.h"

struct regxml {
    const char *architecture;
    const char *types; /* XML that defines the types used in the table; NULL or "" for none */
    const struct gdb_reg *regs;
    size_t count;
};

/* Append the document. Registers appear feature by feature, features in the order of their first
 * register. The OS ABI is "none": with another one gdb for MIPS does not step by itself but
 * plants breakpoints. */
void regxml_put(struct buf *out, const struct regxml *x);

#endif
