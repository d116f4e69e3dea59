/*
 * Prototypes of the helpers that the CALL and END lines of insn.def name:
 *   enum op_result op_<name>(struct mips *cpu, uint32_t w)
 * and the shapes' operations as C expressions.
 */
#ifndef MIPS_OPS_H
#define MIPS_OPS_H

#include "mips/cpu.h"

/* Every other shape has no helper. */
#define P_CALL(fn) enum op_result op_##fn(struct mips *cpu, uint32_t w);
#define P_END(fn)  P_CALL(fn)
#define P_J(l)
#define P_JR(l)
#define P_BR(c)
#define P_BRL(c)
#define P_BAL(c)
#define P_BALL(c)
#define P_BRF(tf)
#define P_BRFL(tf)
#define P_ALU(op)
#define P_ALI(op)
#define P_ALZ(op)
#define P_ADS(op)
#define P_ADI(op)
#define P_LUI(x)
#define P_SHI(op)
#define P_SHV(op)
#define P_UN(op)
#define P_CLX(op)
#define P_EXT(x)
#define P_INS(x)
#define P_MOVC(rel)
#define P_MFHL(r)
#define P_MTHL(r)
#define P_MULT(t, tt)
#define P_TRAP(c)
#define P_TRAPI(c)
#define P_LD(bits, type)
#define P_LDX(op)
#define P_ST(bits)
#define P_NOP(x)
#define INSN(table, slot, id, isa, text, args, sem, attr) P_##sem
#define REFINE(base, mask, value, id)
#include "mips/insn.def"
#undef INSN
#undef REFINE

/* Registers of helpers. */
static inline void op_set_gpr(struct mips *cpu, unsigned r, uint64_t value)
{
    cpu->gpr[r ? r : 32] = value;
}

static inline uint64_t sext32(uint64_t x)
{
    return (uint64_t)(int64_t)(int32_t)(uint32_t)x;
}

#endif
