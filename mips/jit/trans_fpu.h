/*
 * The pieces that trans_fpu.c and trans_fpu_arith.c make FPU instructions of.
 * `width` is 4 or 8 bytes, x a register of SSE, r one of the guest's FPU.
 */
#ifndef MIPS_JIT_TRANS_FPU_H
#define MIPS_JIT_TRANS_FPU_H

#include "mips/jit/trans.h"

/* Register fields of FPU words, as the manual calls them. */
#define W_FR(w) w_rs(w)
#define W_FT(w) w_rt(w)
#define W_FS(w) w_rd(w)
#define W_FD(w) w_sa(w)

/* Jumps from an instruction's code to its cold code. */
struct fpu_away {
    uint8_t *other;   /* the registers are not as assumed */
    uint8_t *slow[4]; /* the interpreter's helper shall do it */
    unsigned n_slow;
};

bool trans_fpu_wide(const struct trans *t);
bool trans_fpu_2008(const struct trans *t);
/* May these fields (all of them or'ed) name doubles? If not: the helper raises RI. */
bool trans_fpu_pairs(const struct trans *t, unsigned fields);
struct host_mem trans_fpr(unsigned r, unsigned half);

/* Code to check that the FPU is on and its registers are as wide as assumed; */
void trans_fpu_need_regs(struct trans *t, struct fpu_away *away);
/* and that MXCSR is the guest's. */
void trans_fpu_need_live(struct trans *t, struct fpu_away *away);
void trans_fpu_slow_if(struct trans *t, struct fpu_away *away, enum host_cc cc);
/* The cold code, which comes back to here. */
void trans_fpu_end(struct trans *t, const struct fpu_away *away);

void trans_fpu_get(struct trans *t, unsigned width, unsigned x, unsigned r);
void trans_fpu_set(struct trans *t, unsigned width, unsigned r, unsigned x);
/* The same with rax; `get` with 8 bytes and `set` clobber it, and neither anything else. */
void trans_fpu_get_rax(struct trans *t, unsigned width, unsigned r);
void trans_fpu_set_rax(struct trans *t, unsigned width, unsigned r);

/* Arithmetic, compares, conversions; false if they are better left to the helper. */
bool trans_fpu_cop1(struct trans *t);
bool trans_fpu_cop1x(struct trans *t);

/* A subroutine: MXCSR is made the guest's, if fp_regs equals eax. ZF tells whether it did. */
const uint8_t *trans_fpu_go_live(struct emit *e);

#endif
