/*
 * FCSR and the host's MXCSR while translated code runs.
 *
 * Translated code leaves two things undone that the interpreter does for each
 * arithmetic instruction: FCSR.Flags are collected by the host in MXCSR, and
 * FCSR.Cause, which tells of the last instruction only, is not computed at all;
 * instead that instruction and its operands are remembered. jit_fpu_settle()
 * does both. So FCSR's other fields, above all the conditions, are exact at all
 * times; Cause and Flags are when
 *
 *   fp_arith == 0  MXCSR is the program's own; no flags are in it. Else it is
 *                  the guest's: FCSR's rounding mode and the flags since then.
 *                  fp_arith is then fp_regs | FPU_LIVE, and FCSR traps nothing
 *                  and flushes nothing.
 *   fp_last == 0   Cause is exact. Else it is the word of the instruction whose
 *                  operands are in fp_operands, or FPU_NO_CAUSE for Cause = 0.
 *
 * Every way from translated code to C settles first: all that can look at FCSR,
 * change it or compute with the host's FPU is C.
 *
 * Determinism: the state of the host's FPU when translated code begins to use
 * it is all set by go_live (trans_fpu.c), and what it leaves are five flags
 * that IEEE 754 defines. Flag DE is ignored. So is IE: what is invalid leads to
 * a NaN, or to no number, and those instructions are the interpreter's, since
 * the legacy encoding has signalling and quiet NaNs the other way round.
 * Denormal operands and results are computed in full (DAZ and FTZ are off), and
 * SSE finds tininess after rounding, as MIPS does.
 */
#ifndef MIPS_JIT_JIT_FPU_H
#define MIPS_JIT_JIT_FPU_H

#include "mips/cpu.h"

#define FPU_LIVE     8u
#define FPU_NO_CAUSE 1u /* no instruction of the FPU */
#define FPU_SLOW     0x01000f80u /* FCSR: FS, Enables */

void jit_fpu_init(struct mips *cpu);
/* Make MXCSR the guest's. False, and nothing is done, if FCSR or Status is not fit for it. */
bool jit_fpu_go_live(struct mips *cpu);
void jit_fpu_settle_now(struct mips *cpu);

static inline void jit_fpu_settle(struct mips *cpu)
{
    if (UNLIKELY((cpu->fp_last | cpu->fp_arith) != 0))
        jit_fpu_settle_now(cpu);
}

#endif
