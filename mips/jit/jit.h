/*
 * The translator as run.c, code.c and cpu.c see it. On hosts it does not know,
 * jit_none.c stands in for it.
 */
#ifndef MIPS_JIT_JIT_H
#define MIPS_JIT_JIT_H

#include "mips/cpu.h"

bool jit_available(void);
/* Code memory and stubs; aborts if the host gives no memory. */
void jit_init(struct mips *cpu);
void jit_destroy(struct mips *cpu);

/* Run from cpu->pc until something is to be done outside translated code.
 * False: nothing was done, and the unit at cpu->pc is for the interpreter. */
bool jit_run(struct mips *cpu);

/* A view without translated code. */
struct code_view *jit_view_new(struct mips *cpu);
/* Forget the code of a view. It is not run again once the current instruction is done. */
void jit_view_forget(struct mips *cpu, struct code_view *view);
/* Forget the code of one block of a page, in all views. False: there is no room for what
 * sends jumps to it elsewhere. */
bool jit_block_forget(struct mips *cpu, struct code_page *cp, struct block *b);
/* All views have been forgotten: take the code memory back. */
void jit_reset(struct mips *cpu);
/* After that: they will be freed. */
void jit_views_gone(struct mips *cpu);

#endif
