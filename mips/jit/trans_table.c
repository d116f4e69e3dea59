/* Which function translates each instruction of insn.def, and what its branches are. */
#ifdef __x86_64__
#include "mips/jit/trans.h"
#include "mips/jit/trans_op.h"

#define J_CALL(fn)       jit_helper, 0, {0}
#define J_END(fn)        jit_helper, 0, {0}
#define J_J(l)           NULL, 0, {COND_ALWAYS, true, false, l, false}
#define J_JR(l)          NULL, 0, {COND_REGISTER, true, false, l, true}
#define J_BR(c)          NULL, 0, {COND_##c, true, false, false, false}
#define J_BRL(c)         NULL, 0, {COND_##c, true, true, false, false}
#define J_BAL(c)         NULL, 0, {COND_##c, true, false, true, false}
#define J_BALL(c)        NULL, 0, {COND_##c, true, true, true, false}
#define J_BRF(tf)        NULL, 0, {COND_FCC##tf, true, false, false, false}
#define J_BRFL(tf)       NULL, 0, {COND_FCC##tf, true, true, false, false}
#define J_ALU(op)        jit_alu, JOP_##op, {0}
#define J_ALI(op)        jit_imm, JOP_##op, {0}
#define J_ALZ(op)        jit_imm, JOP_##op, {0}
#define J_ADS(op)        jit_trapping, JOP_##op, {0}
#define J_ADI(x)         jit_trapping, JOP_ADI, {0}
#define J_LUI(x)         jit_lui, 0, {0}
#define J_SHI(op)        jit_shift, JOP_##op, {0}
#define J_SHV(op)        jit_shift_reg, JOP_##op, {0}
#define J_UN(op)         jit_unary, JOP_##op, {0}
#define J_CLX(op)        jit_clx, JOP_##op, {0}
#define J_EXT(x)         jit_ext, 0, {0}
#define J_INS(x)         jit_ins, 0, {0}
#define J_MOVC(rel)      jit_movc, 1 rel 1, {0}
#define J_MFHL(r)        jit_mfhl, JOP_##r, {0}
#define J_MTHL(r)        jit_mthl, JOP_##r, {0}
#define J_MULT(type, w)  jit_mult, JOP_##type, {0}
#define J_TRAP(c)        jit_trap, JOP_TRAP_##c, {0}
#define J_TRAPI(c)       jit_trap_imm, JOP_TRAP_##c, {0}
#define J_LD(bits, type) jit_load, JOP_##type, {0}
#define J_LDX(op)        jit_load_part, JOP_##op, {0}
#define J_ST(bits)       jit_store, (bits) / 8, {0}
#define J_NOP(x)         jit_nop, 0, {0}

const struct jit_insn jit_insns[INSN_COUNT] = {
#define INSN(table, slot, id, isa, text, args, sem, attr) [INSN_##id] = {J_##sem},
#define REFINE(base, mask, value, id)
#include "mips/insn.def"
#undef INSN
#undef REFINE
};
#endif
