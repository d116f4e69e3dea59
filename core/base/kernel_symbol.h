/* A kernel's symbols, from wherever they come. */
#ifndef CORE_BASE_KERNEL_SYMBOL_H
#define CORE_BASE_KERNEL_SYMBOL_H

#include "core/base/base.h"

#define KERNEL_SYMBOLS_MAX 2000000
#define KERNEL_NAME_MAX    1023 /* bytes, without the 0 */

struct kernel_symbol {
    uint64_t address; /* virtual, sign-extended from the kernel's pointers */
    const char *name; /* owned by the table: printable ASCII, 1 to KERNEL_NAME_MAX bytes */
    char type;        /* the letter of nm(1); lower case: local to its file */
};

#endif
