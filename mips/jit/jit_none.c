/* Where there is no translator for the host. */
#ifndef __x86_64__
#include <stdlib.h>

#include "core/base/err.h"
#include "mips/jit/jit.h"

bool jit_available(void)
{
    return false;
}

void jit_init(struct mips *cpu)
{
    CHECK(cpu == NULL, "no translator on this host");
}

void jit_destroy(struct mips *cpu)
{
    (void)cpu;
}

bool jit_run(struct mips *cpu)
{
    (void)cpu;
    return false;
}

struct code_view *jit_view_new(struct mips *cpu)
{
    (void)cpu;
    return xcalloc(1, sizeof(struct code_view));
}

void jit_view_forget(struct mips *cpu, struct code_view *view)
{
    (void)cpu;
    (void)view;
}

bool jit_block_forget(struct mips *cpu, struct code_page *cp, struct block *b)
{
    (void)cpu;
    (void)cp;
    (void)b;
    return true;
}

void jit_reset(struct mips *cpu)
{
    (void)cpu;
}

void jit_views_gone(struct mips *cpu)
{
    (void)cpu;
}
#else
typedef int jit_none_is_empty; /* ISO C wants something here */
#endif
